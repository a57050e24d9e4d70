package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

const (
	v1Mark = `"annotations":{"kubeblocks.io/crd-api-version":"apps.kubeblocks.io/v1"}`
	apart  = `"schedulingPolicy":{"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[` +
		`{"labelSelector":{"matchLabels":{"app.kubernetes.io/instance":"my1"}},"topologyKey":"kubernetes.io/hostname"}]}}}`
	mysql = `{"name":"mysql","componentDef":"mysql","replicas":3,` + apart + `}`
)

// snapshotOf returns the snapshot of my1 with these fields of the metadata and of the spec.
func snapshotOf(metadata, spec string) string {
	if metadata != "" {
		metadata = "," + metadata
	}
	return `{"metadata":{"name":"my1","namespace":"default","creationTimestamp":null` + metadata + `},"spec":{` + spec + `},"status":{}}`
}

// report is the output of that name.
type report struct {
	Edits []struct {
		Path string `json:"path"`
	} `json:"edits"`
	Findings []struct {
		Code    string `json:"code"`
		Path    string `json:"path"`
		Class   string `json:"class"`
		Message string `json:"message"`
	} `json:"findings"`
}

// codesAndPaths lists the findings.
func (r report) codesAndPaths() []string {
	list := make([]string, 0, len(r.Findings))
	for _, f := range r.Findings {
		list = append(list, f.Code+" "+f.Path)
	}
	return list
}

const firstRule = "/schedulingPolicy/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0"

// field are inputs in shapes that people reported or published, with the right values.
var field = []struct {
	name     string
	input    string
	args     []string
	status   int
	findings []string
	// has and lacks are parts of the Cluster to create as JSON without spaces.
	has, lacks []string
}{
	{
		name:     "rules in a component",
		input:    backupYAML("bp1", snapshotOf(v1Mark, `"componentSpecs":[`+mysql+`]`)),
		findings: []string{"RH001 /spec/componentSpecs/0" + firstRule},
		has: []string{
			`"apiVersion":"apps.kubeblocks.io/v1"`, `"name":"carrot67"`, `"app.kubernetes.io/instance":"carrot67"`,
			`"kubeblocks.io/restore-from-backup":"{\"mysql\":{\"name\":\"bp1\",\"namespace\":\"default\",\"volumeRestorePolicy\":\"Parallel\"}}"`,
		},
		lacks: []string{"creationTimestamp", `"status"`, "my1"},
	},
	{
		name:     "an own policy and time",
		input:    backupYAML("bp1", snapshotOf(v1Mark, `"componentSpecs":[`+mysql+`]`)),
		args:     []string{"--volume-restore-policy", "serial", "--restore-time", "2026-01-31T13:00:00+01:00", "--to-namespace", "prod"},
		findings: []string{"RH001 /spec/componentSpecs/0" + firstRule},
		has: []string{
			`"namespace":"prod"`,
			`{\"mysql\":{\"name\":\"bp1\",\"namespace\":\"default\",\"volumeRestorePolicy\":\"Serial\",\"restoreTime\":\"2026-01-31T12:00:00Z\"}}`,
		},
	},
	{
		name:     "without a reference",
		input:    backupYAML("bp1", snapshotOf(`"annotations":{"kubeblocks.io/restore-from-backup":"{}"}`, `"clusterDef":"m","componentSpecs":[`+mysql+`]`)),
		args:     []string{"--no-restore"},
		findings: []string{"RH001 /spec/componentSpecs/0" + firstRule, "RH012 /metadata/annotations/kubeblocks.io~1restore-from-backup", "RH007 "},
		lacks:    []string{"restore"},
	},
	{
		name: "services with ports and addresses",
		input: backupYAML("bp1", snapshotOf(v1Mark, `"componentSpecs":[`+mysql+`],"services":[`+
			`{"name":"vpc","componentSelector":"mysql","spec":{"type":"NodePort","ports":[{"name":"a","port":3306},{"name":"b","port":3307,"nodePort":31315}]}},`+
			`{"name":"lb","annotations":{"metallb.universe.tf/loadBalancerIPs":"203.0.113.7"},"spec":{"type":"LoadBalancer","loadBalancerIP":"203.0.113.7",`+
			`"selector":{"app.kubernetes.io/instance":"my1","role":"leader"},"ports":[{"port":3306,"nodePort":31316}]}}]`)),
		findings: []string{
			"RH001 /spec/componentSpecs/0" + firstRule,
			"RH012 /spec/services/0/spec/ports/1/nodePort",
			"RH012 /spec/services/1/annotations/metallb.universe.tf~1loadBalancerIPs",
			"RH012 /spec/services/1/spec/loadBalancerIP",
			"RH012 /spec/services/1/spec/ports/0/nodePort",
			"RH012 /spec/services/1/spec/selector/app.kubernetes.io~1instance",
		},
		has:   []string{`"selector":{"role":"leader"}`, `{"name":"b","port":3307}`, `"type":"LoadBalancer"`},
		lacks: []string{"nodePort", "203.0.113.7"},
	},
	{
		name: "services that are kept",
		input: backupYAML("bp1", snapshotOf(v1Mark, `"componentSpecs":[`+mysql+`],"services":[`+
			`{"name":"vpc","spec":{"type":"NodePort","ports":[{"port":3306,"nodePort":31315}]}}]`)),
		args:     []string{"--keep"},
		findings: []string{"RH001 /spec/componentSpecs/0" + firstRule, "RH012 /spec/services/0/spec/ports/0/nodePort"},
		has:      []string{`"nodePort":31315`, `"creationTimestamp":null`},
	},
	{
		name: "a source that was restored by KubeBlocks 1.2",
		input: backupYAML("bp1", snapshotOf("", `"restore":{"source":{"apiGroup":"dataprotection.kubeblocks.io","kind":"Backup","name":"last-year",`+
			`"namespace":"default"}},"componentSpecs":[`+mysql+`]`)),
		findings: []string{"RH001 /spec/componentSpecs/0" + firstRule, "RH012 /spec/restore"},
		has: []string{
			`"apiVersion":"apps.kubeblocks.io/v1"`,
			`"restore":{"source":{"apiGroup":"dataprotection.kubeblocks.io","kind":"Backup","name":"bp1","namespace":"default"}}`,
		},
		lacks: []string{"last-year", "restore-from-backup", "crd-api-version"},
	},
	{
		name: "a source that was restored by an annotation with a password",
		input: backupYAML("bp1", snapshotOf(`"annotations":{"kubeblocks.io/crd-api-version":"apps.kubeblocks.io/v1","kubeblocks.io/restore-from-backup":`+
			`"{\"mysql\":{\"name\":\"last-year\",\"connectionPassword\":\"secret\"}}"}`, `"componentSpecs":[`+mysql+`]`)),
		findings: []string{"RH001 /spec/componentSpecs/0" + firstRule, "RH012 /metadata/annotations/kubeblocks.io~1restore-from-backup"},
		has:      []string{`{\"mysql\":{\"name\":\"bp1\"`},
		lacks:    []string{"last-year", "secret"},
	},
	{
		name: "shardings of KubeBlocks 1.2, without an annotation",
		input: backupYAML("bp1", snapshotOf("", `"shardings":[{"name":"shard","template":{"systemAccounts":[{"name":"root","secretRef":{"name":"s"}}],`+apart+
			`},"shardTemplates":[{"name":"big","offlineInstances":["my1-shard-abc-1"],`+apart+`}]}],"componentSpecs":[`+mysql+`]`)),
		findings: []string{
			"RH001 /spec/componentSpecs/0" + firstRule,
			"RH001 /spec/shardings/0/template" + firstRule,
			"RH001 /spec/shardings/0/shardTemplates/0" + firstRule,
			"RH012 /spec/shardings/0/shardTemplates/0/offlineInstances",
			"RH012 /spec/shardings/0/template/systemAccounts/0/secretRef",
		},
		has:   []string{`"apiVersion":"apps.kubeblocks.io/v1"`, `"restore":{"source":{`},
		lacks: []string{"my1", "secretRef", "offlineInstances", "restore-from-backup"},
	},
	{
		name:     "into another namespace with KubeBlocks 1.2",
		input:    backupYAML("bp1", snapshotOf("", `"shardings":[],"componentSpecs":[`+mysql+`]`)),
		args:     []string{"--to-namespace", "prod", "--strict"},
		status:   3,
		findings: []string{"RH001 /spec/componentSpecs/0" + firstRule, "RH016 "},
		has:      []string{`"name":"bp1","namespace":"default"`},
	},
	{
		name: "legacy affinity of KubeBlocks 0.9",
		input: backupYAML("bp1", snapshotOf("", `"clusterDefinitionRef":"m","affinity":{"podAntiAffinity":"Required","nodeLabels":{"topology.kubernetes.io/zone":"z1"}},`+
			`"componentSpecs":[{"name":"mysql","affinity":{"nodeLabels":{"kubernetes.io/hostname":"node-7","dedicated":"my1"}},"serviceAccountName":"kb-my1"}]`)),
		findings: []string{
			"RH004 /spec/affinity/nodeLabels/topology.kubernetes.io~1zone",
			"RH013 /spec/componentSpecs/0/affinity/nodeLabels/dedicated",
			"RH004 /spec/componentSpecs/0/affinity/nodeLabels/kubernetes.io~1hostname",
			"RH013 /spec/componentSpecs/0/serviceAccountName",
		},
		has: []string{`"apiVersion":"apps.kubeblocks.io/v1alpha1"`, `"podAntiAffinity":"Required"`, `{\"mysql\":{\"name\":\"bp1\"`, `"serviceAccountName":"kb-my1"`},
	},
	{
		name:     "a Cluster without a Backup, where that is an error",
		input:    snapshotOf(v1Mark, `"componentSpecs":[`+mysql+`]`),
		args:     []string{"--strict"},
		status:   3,
		findings: []string{"RH001 /spec/componentSpecs/0" + firstRule, "RH007 "},
	},
	{
		name:     "a Cluster that shall restore nothing",
		input:    backupYAML("bp1", snapshotOf(v1Mark, `"componentSpecs":[`+mysql+`]`)),
		args:     []string{"--strict", "--no-restore"},
		findings: []string{"RH001 /spec/componentSpecs/0" + firstRule, "RH007 "},
	},
	{
		name: "a Cluster of KubeBlocks 0.9 with the empty fields of each, for 1.0",
		input: backupYAML("bp1", snapshotOf("", `"resources":{"cpu":"0","memory":"0"},"storage":{"size":"0"},"monitor":{},"affinity":null,`+
			`"componentSpecs":[`+mysql+`]`)),
		args:     []string{"--kubeblocks", "1.0"},
		findings: []string{"RH001 /spec/componentSpecs/0" + firstRule},
		has:      []string{`"apiVersion":"apps.kubeblocks.io/v1"`, `"spec":{"componentSpecs":[`},
		lacks:    []string{"resources", "storage", "monitor"},
	},
	{
		name:     "a Cluster of v1alpha1, which KubeBlocks 1.1 serves",
		input:    `{"apiVersion":"apps.kubeblocks.io/v1alpha1","kind":"Cluster",` + snapshotOf("", `"tenancy":"SharedNode","componentSpecs":[`+mysql+`]`)[1:],
		args:     []string{"--kubeblocks", "1.1"},
		findings: []string{"RH001 /spec/componentSpecs/0" + firstRule, "RH007 "},
		has:      []string{`"apiVersion":"apps.kubeblocks.io/v1alpha1"`, `"tenancy":"SharedNode"`},
	},
	{
		name: "an own label that the site uses as identity",
		input: backupYAML("bp1", snapshotOf(v1Mark, `"componentSpecs":[{"name":"mysql","labels":{"app":"my1"},`+
			strings.ReplaceAll(apart, "app.kubernetes.io/instance", "app")+`}]`)),
		args:     []string{"--identity-labels", "app", "--strict"},
		status:   3,
		findings: []string{"RH003 /spec/componentSpecs/0" + firstRule, "RH013 /spec/componentSpecs/0/labels/app"},
		has:      []string{`"matchLabels":{"app":"my1"}`, `"labels":{"app":"my1"}`},
	},
	{
		name: "an own label, scoped",
		input: backupYAML("bp1", snapshotOf(v1Mark, `"componentSpecs":[{"name":"mysql","labels":{"app":"my1"},`+
			strings.ReplaceAll(apart, "app.kubernetes.io/instance", "app")+`}]`)),
		args:     []string{"--identity-labels", "app", "--scope-unscoped", "--strict"},
		findings: []string{"RH003 /spec/componentSpecs/0" + firstRule, "RH013 /spec/componentSpecs/0/labels/app"},
		has:      []string{`"matchLabels":{"app":"my1","app.kubernetes.io/instance":"carrot67"}`},
	},
	{
		name: "names of shards",
		input: backupYAML("bp1", snapshotOf(v1Mark, `"shardings":[{"name":"shard","template":{"schedulingPolicy":{"affinity":{"podAntiAffinity":`+
			`{"requiredDuringSchedulingIgnoredDuringExecution":[{"labelSelector":{"matchExpressions":[{"key":"apps.kubeblocks.io/component-name","operator":"In",`+
			`"values":["shard-k2x"]},{"key":"app.kubernetes.io/instance","operator":"In","values":["my1"]}]},"topologyKey":"kubernetes.io/hostname"}]}}}}}]`)),
		args:     []string{"--strict"},
		status:   3,
		findings: []string{"RH005 /spec/shardings/0/template" + firstRule},
		has:      []string{`"shard-k2x"`, `{\"shard\":{\"name\":\"bp1\"`},
	},
	{
		name: "a rule that names no cluster",
		input: backupYAML("bp1", snapshotOf(v1Mark, `"componentSpecs":[{"name":"mysql",`+
			strings.NewReplacer("app.kubernetes.io/instance", "apps.kubeblocks.io/component-name", "my1", "mysql").Replace(apart)+`}]`)),
		args:     []string{"--strict"},
		status:   3,
		findings: []string{"RH003 /spec/componentSpecs/0" + firstRule},
		has:      []string{`"apps.kubeblocks.io/component-name":"mysql"`},
	},
	{
		name: "node pools, zones of drivers, and a node label with the source's name",
		input: backupYAML("bp1", snapshotOf(v1Mark, `"componentSpecs":[{"name":"mysql","schedulingPolicy":{"nodeSelector":{`+
			`"failure-domain.beta.kubernetes.io/zone":"z1","dedicated":"my1","cloud.google.com/gke-nodepool":"my1-pool","topology.ebs.csi.aws.com/zone":"az1"},`+
			`"tolerations":[{"key":"db","value":"my1"}],"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[`+
			`{"matchExpressions":[{"key":"db-node","operator":"In","values":["my1","my10"]}]}]}}}}}]`)),
		findings: []string{
			"RH004 /spec/componentSpecs/0/schedulingPolicy/nodeSelector/cloud.google.com~1gke-nodepool",
			"RH004 /spec/componentSpecs/0/schedulingPolicy/nodeSelector/failure-domain.beta.kubernetes.io~1zone",
			"RH004 /spec/componentSpecs/0/schedulingPolicy/nodeSelector/topology.ebs.csi.aws.com~1zone",
			"RH013 /spec/componentSpecs/0/schedulingPolicy/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchExpressions/0/values/0",
			"RH013 /spec/componentSpecs/0/schedulingPolicy/nodeSelector/dedicated",
			"RH013 /spec/componentSpecs/0/schedulingPolicy/tolerations/0/value",
		},
	},
	{
		name: "references to other objects",
		input: backupYAML("bp1", snapshotOf(v1Mark, `"componentSpecs":[{"name":"my1","componentDef":"my1","serviceRefs":[{"name":"my1","cluster":"my1"},`+
			`{"name":"r","clusterServiceSelector":{"cluster":"my1"}},{"name":"q","clusterServiceSelector":{"cluster":"my10"}}],`+
			`"env":[{"name":"HOST","value":"my1-mysql.default.svc"},{"name":"A","value":"xmy1"},`+
			`{"name":"P","valueFrom":{"secretKeyRef":{"name":"my1-account-root","key":"my1"}}}],"systemAccounts":[{"name":"my1","secretRef":{"name":"my1-root"}}]}]`)),
		findings: []string{
			"RH013 /spec/componentSpecs/0/env/0/value",
			"RH013 /spec/componentSpecs/0/env/2/valueFrom/secretKeyRef/name",
			"RH013 /spec/componentSpecs/0/serviceRefs/0/cluster",
			"RH013 /spec/componentSpecs/0/serviceRefs/1/clusterServiceSelector/cluster",
			"RH013 /spec/componentSpecs/0/systemAccounts/0/secretRef/name",
		},
		has: []string{`"secretRef":{"name":"my1-root"}`},
	},
	{
		name: "a live Cluster that Helm, Argo CD and KubeBlocks own",
		input: `{"apiVersion":"apps.kubeblocks.io/v1","kind":"Cluster","metadata":{"name":"my1","namespace":"default","uid":"u","resourceVersion":"7","generation":3,` +
			`"finalizers":["cluster.kubeblocks.io/finalizer"],"managedFields":[{"manager":"helm"}],"ownerReferences":[{"name":"x"}],"creationTimestamp":"2026-01-01T00:00:00Z",` +
			`"labels":{"app.kubernetes.io/managed-by":"Helm","app.kubernetes.io/instance":"databases","team":"shop"},"annotations":{` +
			`"kubeblocks.io/crd-api-version":"apps.kubeblocks.io/v1","kubectl.kubernetes.io/last-applied-configuration":"{}","meta.helm.sh/release-name":"my1",` +
			`"argocd.argoproj.io/tracking-id":"a","kustomize.toolkit.fluxcd.io/ssa":"IfNotPresent","kubeblocks.io/ops-request":"[]","rehome.kubeblocks.io/remediation-history":"{}"}},` +
			`"spec":{"componentSpecs":[` + mysql + `]},"status":{"phase":"Running"}}`,
		findings: []string{
			"RH001 /spec/componentSpecs/0" + firstRule,
			"RH012 /metadata/uid", "RH012 /metadata/resourceVersion", "RH012 /metadata/generation", "RH012 /metadata/creationTimestamp",
			"RH012 /metadata/ownerReferences", "RH012 /metadata/managedFields", "RH012 /metadata/finalizers",
			"RH012 /metadata/annotations/argocd.argoproj.io~1tracking-id",
			"RH012 /metadata/annotations/kubeblocks.io~1ops-request",
			"RH012 /metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
			"RH012 /metadata/annotations/kustomize.toolkit.fluxcd.io~1ssa",
			"RH012 /metadata/annotations/meta.helm.sh~1release-name",
			"RH012 /metadata/annotations/rehome.kubeblocks.io~1remediation-history",
			"RH012 /metadata/labels/app.kubernetes.io~1instance", "RH012 /metadata/labels/app.kubernetes.io~1managed-by",
			"RH012 /status", "RH007 ",
		},
		has:   []string{`"labels":{"team":"shop"}`, `"annotations":{"kubeblocks.io/crd-api-version":"apps.kubeblocks.io/v1"}`},
		lacks: []string{"my1", "restore"},
	},
}

func TestShapesSeenInTheField(t *testing.T) {
	for _, c := range field {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			args := append([]string{"-f", "-", "--to", "carrot67"}, c.args...)

			made := runIn(noCluster(), c.input, append(args, "-o", "json")...)
			told := runIn(noCluster(), c.input, append(args, "-o", "report")...)

			for _, output := range outputs() {
				err := runIn(noCluster(), c.input, append(args, "-o", output)...).err
				// A difference has a status of its own, except for --strict.
				isDifference := output == "diff" && c.status == 0 && ExitStatus(err) == statusDifferent
				g.Expect(isDifference || ExitStatus(err) == c.status).To(BeTrue(), "%s: %v", output, err)
			}
			var r report
			g.Expect(json.Unmarshal([]byte(told.out), &r)).To(Succeed())
			g.Expect(r.codesAndPaths()).To(Equal(c.findings))
			var cluster bytes.Buffer
			g.Expect(json.Compact(&cluster, []byte(made.out))).To(Succeed())
			for _, part := range c.has {
				g.Expect(cluster.String()).To(ContainSubstring(part))
			}
			for _, part := range c.lacks {
				g.Expect(cluster.String()).NotTo(ContainSubstring(part))
			}
			const bare = "\nRH007 the input holds no Backup, so this Cluster restores nothing: KubeBlocks creates an empty database\n"
			g.Expect(strings.Contains(made.stderr, bare)).To(Equal(!strings.Contains(c.input, "kind: Backup")), made.stderr)
			for i, line := range strings.Split(strings.TrimSpace(made.stderr), "\n") {
				if i == 0 && strings.HasPrefix(line, "assuming KubeBlocks") {
					continue
				}
				g.Expect(line).To(MatchRegexp(`^RH0\d\d \S`))
			}
			yamlOut := runIn(noCluster(), c.input, args...)
			fromYAML, err := yaml.YAMLToJSON([]byte(yamlOut.out))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(fromYAML).To(MatchJSON(made.out), "yaml and json are the same Cluster")
		})
	}
}
