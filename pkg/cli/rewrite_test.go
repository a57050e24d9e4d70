package cli

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"
)

// policy returns a component's scheduling policy: required anti-affinity per node against the Pods of a cluster.
func policy(cluster string) string {
	return `{"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"labelSelector":{"matchLabels":` +
		`{"app.kubernetes.io/instance":"` + cluster + `"}},"topologyKey":"kubernetes.io/hostname"}]}}}`
}

// stored is the snapshot of my1 as KubeBlocks stores it, with values that printers often reformat.
var stored = `{"metadata":{"name":"my1","namespace":"default","creationTimestamp":null,` +
	`"annotations":{"kubeblocks.io/crd-api-version":"apps.kubeblocks.io/v1","note":"<b> \u00e9\ud83d\ude00"}},` +
	`"spec":{"zeta":1.50,"big":12345678901234567890,"yes":"true","none":null,` +
	`"componentSpecs":[{"replicas":3,"name":"mysql","schedulingPolicy":` + policy("my1") + `}]},"status":{}}`

const leaf = "/spec/componentSpecs/0/schedulingPolicy/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0/labelSelector/matchLabels/app.kubernetes.io~1instance"

// backupYAML returns a Backup with a snapshot.
func backupYAML(name, snapshot string) string {
	object := map[string]any{
		"apiVersion": "dataprotection.kubeblocks.io/v1alpha1", "kind": "Backup",
		"metadata": map[string]any{
			"name": name, "namespace": "default",
			"labels":      map[string]string{"app.kubernetes.io/instance": "my1", "dataprotection.kubeblocks.io/cluster-uid": "uid-1"},
			"annotations": map[string]string{"kubeblocks.io/cluster-snapshot": snapshot},
		},
	}
	text, err := yaml.Marshal(object)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// noCluster is a Kubernetes cluster that cannot be reached.
func noCluster() *cluster {
	c := newCluster()
	c.dynamicClient = func() (dynamic.Interface, error) { return nil, errors.New("connection refused") }
	c.discoveryClient = func() (discovery.DiscoveryInterface, error) { return nil, errors.New("connection refused") }
	return c
}

// result is what a command printed.
type result struct {
	out, stderr string
	err         error
}

// runIn runs `rehome rewrite` with arguments.
func runIn(c *cluster, input string, args ...string) result {
	streams, in, stdout, stderr := genericiooptions.NewTestIOStreams()
	in.WriteString(input)
	root := NewRoot("rehome", nil, newRewrite(streams, c))
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(append([]string{"rewrite"}, args...))
	err := root.Execute()
	return result{stdout.String(), stderr.String(), err}
}

// run runs `rehome rewrite` with the input on a pipe, and returns all that it printed but the findings.
func run(input string, args ...string) (out string, err error) {
	r := runIn(noCluster(), input, append([]string{"-f", "-", "--to", "carrot67", "-q"}, args...)...)
	return r.out + r.stderr, r.err
}

func TestRewritePrintsTheClusterToCreate(t *testing.T) {
	g := NewWithT(t)

	out, err := run(backupYAML("bp1", stored))

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out).To(Equal(`apiVersion: apps.kubeblocks.io/v1
kind: Cluster
metadata:
  name: carrot67
  namespace: default
  annotations:
    kubeblocks.io/crd-api-version: apps.kubeblocks.io/v1
    note: "<b> é\U0001F600"
    kubeblocks.io/restore-from-backup: '{"mysql":{"name":"bp1","namespace":"default","volumeRestorePolicy":"Parallel"}}'
spec:
  zeta: 1.50
  big: 12345678901234567890
  "yes": "true"
  none: null
  componentSpecs:
    - replicas: 3
      name: mysql
      schedulingPolicy:
        affinity:
          podAntiAffinity:
            requiredDuringSchedulingIgnoredDuringExecution:
              - labelSelector:
                  matchLabels:
                    app.kubernetes.io/instance: carrot67
                topologyKey: kubernetes.io/hostname
`))
}

func TestRewritePrintsAPatchThatTestsBeforeItReplaces(t *testing.T) {
	g := NewWithT(t)

	out, err := run(backupYAML("bp1", stored), "-o", "patch")

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out).To(MatchJSON(`[{"op":"test","path":"` + leaf + `","value":"my1"},{"op":"replace","path":"` + leaf + `","value":"carrot67"}]`))
}

func TestRewritePrintsADiffAndExitsOne(t *testing.T) {
	g := NewWithT(t)

	out, err := run(backupYAML("bp1", stored), "-o", "diff")

	g.Expect(ExitStatus(err)).To(Equal(1))
	g.Expect(err.Error()).To(BeEmpty(), "a difference is no error message")
	g.Expect(out).To(HavePrefix("--- my1\n+++ carrot67\n@@"))
	g.Expect(out).To(ContainSubstring("\n-                  app.kubernetes.io/instance: my1\n+                  app.kubernetes.io/instance: carrot67\n"))
	g.Expect(out).NotTo(ContainSubstring("\x1b"), "a pipe has no colours")
}

func TestRewriteThatChangesNothingExitsZero(t *testing.T) {
	g := NewWithT(t)

	out, err := run(backupYAML("bp1", strings.ReplaceAll(stored, `instance":"my1"`, `instance":"web1"`)), "-o", "diff")

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out).To(BeEmpty())
}

func TestRewritePrintsAReport(t *testing.T) {
	g := NewWithT(t)

	out, err := run(backupYAML("bp1", stored), "-o", "report", "--to-namespace", "prod")

	g.Expect(err).NotTo(HaveOccurred())
	var report map[string]json.RawMessage
	g.Expect(json.Unmarshal([]byte(out), &report)).To(Succeed())
	g.Expect(report["source"]).To(MatchJSON(`{"namespace":"default","name":"my1","uid":"uid-1"}`))
	g.Expect(report["target"]).To(MatchJSON(`{"namespace":"prod","name":"carrot67"}`))
	g.Expect(report["edits"]).To(MatchJSON(`[{"path":"` + leaf + `","from":"my1","to":"carrot67"}]`))
	g.Expect(string(report["findings"])).To(ContainSubstring(`"code": "RH001"`))
	g.Expect(string(report["findings"])).To(ContainSubstring(`"class": "SourceIdentity"`))
}

func TestRewriteFindsTheOnlyBackupOrCluster(t *testing.T) {
	const other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
	typedCluster := `{"apiVersion":"apps.kubeblocks.io/v1","kind":"Cluster",` + stored[1:]
	for name, input := range map[string]string{
		"a Backup":                    backupYAML("bp1", stored),
		"among other documents":       other + "---\n" + backupYAML("bp1", stored) + "---\n" + other,
		"beside a Cluster":            "kind: Cluster\nmetadata: {name: other}\nspec: {}\n---\n" + backupYAML("bp1", stored),
		"in a List":                   "kind: List\napiVersion: v1\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(backupYAML("bp1", stored)), "\n", "\n  "),
		"beside values with a spec":   "spec: {x: 1}\n---\n" + typedCluster + "\n---\nmetadata: {name: x}\nspec: {x: 1}\n",
		"bare, beside values":         "spec: {x: 1}\n---\n" + stored,
		"the bare snapshot":           stored,
		"the bare snapshot, indented": "\n  " + stored + "\n",
		"the Cluster with its kind":   typedCluster,
		"empty documents":             "---\n# nothing\n---\n" + backupYAML("bp1", stored),
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			out, err := run(input, "-o", "patch")

			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(out).To(ContainSubstring(`"value": "carrot67"`))
		})
	}
}

func TestRewriteReadsAFile(t *testing.T) {
	g := NewWithT(t)
	file := filepath.Join(t.TempDir(), "bp1.yaml")
	g.Expect(os.WriteFile(file, []byte(backupYAML("bp1", stored)), 0o600)).To(Succeed())

	r := runIn(noCluster(), "", "-f", file, "--to", "carrot67", "-o", "patch")

	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(r.out).To(ContainSubstring(leaf))
}

// legacySpec has fields of KubeBlocks 0.9 at each place.
const (
	legacySpec = `"clusterDefinitionRef":"m","storage":{"size":"0"},"services":[{"name":"s","shardingSelector":"x"}],"componentSpecs":[` +
		`{"name":"mysql","componentDefRef":"mysql","tolerations":[],"instances":[{"name":"a"},{"name":"b","image":"mysql:8"}]}]`
	lackedByV1 = "the Cluster is of KubeBlocks 0.9, with fields that 1.0 lacks: spec.clusterDefinitionRef, spec.services[0].shardingSelector, " +
		"spec.componentSpecs[0].componentDefRef, spec.componentSpecs[0].instances[1].image. "
)

// newerSpec has fields of KubeBlocks 1.1, one of them without a value.
const newerSpec = `"shardings":[{"name":"s","shardTemplates":[{"name":"big"}]}],"componentSpecs":[{"name":"mysql","flatInstanceOrdinal":true,"enableInstanceAPI":false}]`

func TestFieldsThatTheAPIServerTakesAreNoError(t *testing.T) {
	component := backupYAML("bp1", snapshotOf("", `"componentSpecs":[{"name":"mysql","enableInstanceAPI":false,"podUpgradePolicy":""}]`))
	newer := backupYAML("bp1", snapshotOf(v1Mark, newerSpec))
	for name, c := range map[string]struct {
		served []string
		input  string
		args   []string
		lacks  string
	}{
		"no version shown, for 0.9":   {nil, component, []string{"--kubeblocks", "0.9"}, "podUpgradePolicy"},
		"a field without a value":     {nil, component, []string{"--kubeblocks", "1.0"}, "enableInstanceAPI"},
		"fields of 1.1 for 1.1":       {nil, newer, []string{"--kubeblocks", "1.1"}, "\nnothing"},
		"an API server of 1.0 or 1.1": {[]string{"v1", "v1alpha1"}, newer, nil, "\nnothing"},
		"a snapshot of 1.0 or 1.1":    {nil, newer, nil, "\nnothing"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			kubernetes := noCluster()
			if c.served != nil {
				kubernetes = serving(kubernetes, c.served...)
			}

			r := runIn(kubernetes, c.input, append([]string{"-f", "-", "--to", "carrot67", "--component", "mysql"}, c.args...)...)

			g.Expect(r.err).NotTo(HaveOccurred())
			g.Expect(r.out).To(ContainSubstring("name: carrot67"))
			g.Expect(r.out).NotTo(ContainSubstring(c.lacks))
		})
	}
}

func TestInvalidInputIsOneLineAndExitStatusTwo(t *testing.T) {
	noAnnotation := strings.ReplaceAll(backupYAML("bp1", stored), "kubeblocks.io/cluster-snapshot", "other")
	for name, c := range map[string]struct {
		input   string
		args    []string
		message string
	}{
		"an empty input":           {"", nil, "-: it is empty"},
		"no YAML":                  {"a: [", nil, "-: document 1: not YAML or JSON"},
		"no object":                {"[1, 2]", nil, "-: document 1: not a Kubernetes object"},
		"another kind":             {"kind: Pod\nspec: {}", nil, "-: neither a Backup nor a Cluster of KubeBlocks in it"},
		"no annotation":            {noAnnotation, nil, "-: document 1: the Backup default/bp1 has no annotation kubeblocks.io/cluster-snapshot"},
		"a snapshot cut short":     {backupYAML("bp1", stored[:40]), nil, "not JSON at byte 40"},
		"a snapshot that is a Pod": {backupYAML("bp1", `{"kind":"Pod"}`), nil, "not a Cluster, but a Pod"},
		"a wrong type":             {backupYAML("bp1", `{"spec":{"componentSpecs":"x"}}`), nil, "spec.componentSpecs is of type string at byte"},
		"a duplicate key":          {backupYAML("bp1", `{"spec":{"schedulingPolicy":{},"schedulingPolicy":{}}}`), nil, `duplicate field "spec.schedulingPolicy"`},
		"several Backups":          {backupYAML("bp1", stored) + "---\n" + backupYAML("bp2", stored), nil, "-: several Backups (bp1, bp2): choose one with --backup, or --latest"},
		"several Clusters":         {stored + "\n---\n" + stored, nil, "-: several Clusters (my1, my1): give one"},
		"a Cluster without a name": {`{"spec":{}}`, nil, "the Cluster has no name"},
		"an invalid rule":          {backupYAML("bp1", strings.ReplaceAll(stored, "kubernetes.io/hostname", "")), nil, "is invalid, so no rule is rewritten"},
		"a bad name":               {stored, []string{"--to", "Carrot_67"}, `--to "Carrot_67": `},
		"no name":                  {stored, []string{"--to", ""}, "--to is required"},
		"a bad namespace":          {stored, []string{"--to-namespace", "a/b"}, `--to-namespace "a/b": `},
		"no such output":           {stored, []string{"-o", "xml"}, `--output "xml" is none of yaml, json, diff, patch, report`},
		"no such version":          {stored, []string{"--kubeblocks", "2.0"}, `--kubeblocks "2.0" is none of 0.9, 1.0, 1.1, 1.2`},
		"an unknown version":       {backupYAML("bp1", `{"metadata":{"name":"my1"},"spec":{"componentSpecs":[{"name":"mysql"}]}}`), nil, "give --kubeblocks (0.9, 1.0, 1.1, 1.2)"},
		"a version without v1":     {stored, []string{"--kubeblocks", "0.9"}, "the Cluster is of apps.kubeblocks.io/v1, which KubeBlocks 0.9 does not serve"},
		"unmarked v1 for 0.9":      {backupYAML("bp1", snapshotOf("", `"shardings":[{"name":"s","shardTemplates":[{"name":"big"}]}],"clusterDef":"m"`)), []string{"--kubeblocks", "0.9"}, "the Cluster has fields that KubeBlocks 0.9 lacks: spec.shardings, spec.clusterDef"},
		"restored by 1.2, for 0.9": {backupYAML("bp1", snapshotOf("", `"restore":{},"componentSpecs":[`+mysql+`]`)), []string{"--kubeblocks", "0.9"}, "the Cluster is of apps.kubeblocks.io/v1, which KubeBlocks 0.9 does not serve"},
		"typed v1 for 0.9":         {`{"apiVersion":"apps.kubeblocks.io/v1","kind":"Cluster",` + snapshotOf("", `"componentSpecs":[`+mysql+`]`)[1:], []string{"--kubeblocks", "0.9"}, "the Cluster is of apps.kubeblocks.io/v1, which KubeBlocks 0.9 does not serve"},
		"a component's for 0.9":    {backupYAML("bp1", snapshotOf("", `"componentSpecs":[{"name":"mysql","podUpgradePolicy":"ReCreate"}]`)), []string{"--kubeblocks", "0.9"}, "the Cluster has fields that KubeBlocks 0.9 lacks: spec.componentSpecs[0].podUpgradePolicy"},
		"typed v1alpha1 for 1.0":   {`{"apiVersion":"apps.kubeblocks.io/v1alpha1","kind":"Cluster",` + snapshotOf("", `"shardings":[{"name":"s"}]`)[1:], []string{"--kubeblocks", "1.0"}, "the Cluster has fields that KubeBlocks 1.0 lacks: spec.shardings"},
		"fields of 1.1 for 1.0":    {backupYAML("bp1", snapshotOf("", newerSpec)), []string{"--kubeblocks", "1.0"}, "the Cluster has fields that KubeBlocks 1.0 lacks: spec.shardings[0].shardTemplates, spec.componentSpecs[0].flatInstanceOrdinal"},
		"fields that v1 lacks":     {backupYAML("bp1", snapshotOf("", legacySpec)), []string{"--kubeblocks", "1.0"}, lackedByV1 + "Print it with --kubeblocks 0.9"},
		"fields that 1.2 lacks":    {backupYAML("bp1", snapshotOf("", legacySpec)), []string{"--kubeblocks", "1.2"}, "KubeBlocks 0.9, with fields that 1.2 lacks"},
		"a bad policy":             {stored, []string{"--volume-restore-policy", "x"}, `--volume-restore-policy "x" is neither Parallel nor Serial`},
		"a bad time":               {stored, []string{"--restore-time", "noon"}, `--restore-time "noon" is not a time such as`},
		"a policy for 1.2":         {backupYAML("bp1", stored), []string{"--kubeblocks", "1.2", "--volume-restore-policy", "serial"}, "--volume-restore-policy has no effect in KubeBlocks 1.2"},
		"a time for 1.2":           {backupYAML("bp1", stored), []string{"--kubeblocks", "1.2", "--restore-time", "2026-01-31T12:00:00Z"}, "--restore-time is not supported for KubeBlocks 1.2"},
		"no such Backup":           {backupYAML("bp1", stored), []string{"--backup", "bp2"}, `-: no Backup "bp2" in it, only bp1`},
		"no such component":        {backupYAML("bp1", stored), []string{"--component", "proxy"}, `the Cluster has no component "proxy"`},
		"no such flag":             {stored, []string{"--nonsense"}, "unknown flag: --nonsense"},
		"a file and an argument":   {stored, []string{"backup/bp1"}, `give -f or "backup/bp1", not both`},
		"no such file":             {stored, []string{"-f", "/no/such/file"}, "/no/such/file: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			out, err := run(c.input, c.args...)

			g.Expect(err).To(MatchError(ContainSubstring(c.message)))
			g.Expect(ExitStatus(err)).To(Equal(2))
			g.Expect(out).To(BeEmpty(), "invalid input has no output")
			g.Expect(strings.TrimSpace(err.Error())).NotTo(ContainSubstring("\n"))
			for _, output := range outputs() {
				if !slices.Contains(c.args, "-o") {
					_, err := run(c.input, append(c.args, "-o", output)...)
					g.Expect(ExitStatus(err)).To(Equal(2), output)
				}
			}
		})
	}
}

func TestDiffIsColouredLineByLine(t *testing.T) {
	g := NewWithT(t)

	g.Expect(coloured("--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n z\n")).To(Equal(
		"\x1b[1m--- a\x1b[m\n\x1b[1m+++ b\x1b[m\n\x1b[36m@@ -1 +1 @@\x1b[m\n\x1b[31m-x\x1b[m\n\x1b[32m+y\x1b[m\n z\n"))
}

func TestOutputHasShellCompletion(t *testing.T) {
	g := NewWithT(t)
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	root := NewRoot("rehome", nil, NewRewrite(streams))
	root.SetOut(out)
	root.SetArgs([]string{"__complete", "rewrite", "-o", ""})

	g.Expect(root.Execute()).To(Succeed())
	g.Expect(out.String()).To(HavePrefix("yaml\njson\ndiff\npatch\nreport\n"))
}

func TestAnUnscopedRuleNamesTheFlagThatScopesIt(t *testing.T) {
	g := NewWithT(t)
	snapshot := strings.ReplaceAll(stored, `"matchLabels":{"app.kubernetes.io/instance":"my1"}`, `"matchLabels":{"apps.kubeblocks.io/component-name":"mysql"}`)

	r := runIn(noCluster(), backupYAML("bp1", snapshot), "-f", "-", "--to", "carrot67")

	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(r.stderr).To(MatchRegexp(`(?m)^RH003 .*: kept, --scope-unscoped scopes it$`))
}
