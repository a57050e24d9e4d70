package cli

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// An invalid rule has the same status for every output, and only the report is printed.
func TestInvalidRuleEndsEveryOutput(t *testing.T) {
	invalid := strings.NewReplacer("required", "preferred", `{"labelSelector"`, `{"weight":0,"podAffinityTerm":{"labelSelector"`, `hostname"}`, `hostname"}}`).Replace(apart)
	input := backupYAML("bp1", snapshotOf(v1Mark, `"componentSpecs":[`+mysql+`,{"name":"proxy",`+invalid+`}]`))
	for _, output := range outputs() {
		t.Run(output, func(t *testing.T) {
			g := NewWithT(t)

			out, err := run(input, "-o", output)

			g.Expect(ExitStatus(err)).To(Equal(2))
			g.Expect(err).To(MatchError(ContainSubstring("/spec/componentSpecs/1/schedulingPolicy/affinity/podAntiAffinity/preferred")))
			g.Expect(err).To(MatchError(ContainSubstring("weight 0 is not in 1 to 100")))
			if output == "report" {
				g.Expect(out).To(ContainSubstring(`"code": "RH006"`))
			} else {
				g.Expect(out).To(BeEmpty())
			}
		})
	}
}

const (
	veleroBackup = "apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: daily, namespace: velero}\nspec: {includedNamespaces: [prod]}\n"
	cnpgCluster  = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: my1, namespace: prod}\nspec: {instances: 3}\n"
	capiCluster  = "apiVersion: cluster.x-k8s.io/v1beta1\nkind: Cluster\nmetadata: {name: my1}\nspec: {paused: true}\n"
	twice        = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: \"1\"\n  a: \"2\"\n"
	values       = "# chart values\n- a\n- b\n"
	broken       = "{{ if .Values.x }}\nkind: Pod\n"
)

func TestOtherDocumentsArePassedOver(t *testing.T) {
	g := NewWithT(t)
	backup := backupYAML("bp1", snapshotOf(v1Mark, `"componentSpecs":[`+mysql+`]`))
	all := strings.Join([]string{veleroBackup, cnpgCluster, capiCluster, twice, values, broken, "just text\n", backup, veleroBackup}, "---\n")

	alone, err := run(backup)
	g.Expect(err).NotTo(HaveOccurred())
	beside, err := run(all)
	g.Expect(err).NotTo(HaveOccurred())

	g.Expect(beside).To(Equal(alone))
}

// inList returns a YAML List of documents.
func inList(documents ...string) string {
	list := "apiVersion: v1\nkind: List\nitems:\n"
	for _, d := range documents {
		list += "- " + strings.ReplaceAll(strings.TrimSpace(d), "\n", "\n  ") + "\n"
	}
	return list
}

func TestAKeyThatIsThereTwiceStopsOnlyWhatUsesIt(t *testing.T) {
	snapshot := snapshotOf(v1Mark, `"componentSpecs":[`+mysql+`]`)
	good := backupYAML("good", snapshot)
	bad := strings.Replace(backupYAML("bad", snapshot), "  namespace: default\n", "  namespace: default\n  namespace: prod\n", 1)
	badCluster := "apiVersion: apps.kubeblocks.io/v1\nkind: Cluster\nmetadata: {name: my1}\nspec:\n  a: &a {x: 1}\n  b: {x: 1, x: 2}\n"
	merged := strings.Replace(good, "metadata:", "merged: &m {a: 1}\nmore:\n  <<: *m\n  <<: *m\n  a: 2\nmetadata:", 1)
	for name, c := range map[string]struct {
		input   string
		args    []string
		problem string
	}{
		"in another item":           {inList(twice, good), nil, ""},
		"in a Cluster beside it":    {inList(badCluster, good), nil, ""},
		"in another Backup":         {inList(bad, good), []string{"--backup", "good"}, ""},
		"in another Backup, alone":  {bad + "---\n" + good, []string{"--backup", "good"}, ""},
		"in no mapping but a merge": {inList(merged), nil, ""},
		"in the Backup":             {inList(twice, good, bad), []string{"--backup", "bad"}, `-: document 1, item 3: the Backup: line 30: the key "namespace" is there twice`},
		"in the Backup alone":       {bad, nil, `-: document 1: the Backup: line `},
		"in one that may be newer":  {inList(bad, good), []string{"--latest"}, `item 1: the Backup: line `},
		"in one of two":             {inList(bad, good), nil, `-: several Backups (bad, good)`},
		"in the Cluster":            {inList(badCluster), nil, `-: document 1, item 1: the Cluster: line 9: the key "x" is there twice`},
		"behind an alias":           {"shared: &s {x: 1, x: 2}\n" + inList("kind: Cluster\nspec: {a: *s}"), nil, `item 1: the Cluster: line 1: the key "x" is there twice`},
		"in the List itself":        {inList(good) + "items: []\n", nil, `-: document 1: line 14: the key "items" is there twice`},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			out, err := run(c.input, c.args...)

			if c.problem != "" {
				g.Expect(ExitStatus(err)).To(Equal(2))
				g.Expect(err).To(MatchError(HavePrefix("-: ")))
				g.Expect(err).To(MatchError(ContainSubstring(c.problem)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(out).To(ContainSubstring("name: carrot67"))
		})
	}
}

// untyped returns a list of a kind, whose item has no type.
func untyped(apiVersion, kind, item string) string {
	item = strings.NewReplacer("apiVersion: "+apiVersion+"\n", "", "kind: "+strings.TrimSuffix(kind, "List")+"\n", "").Replace(item)
	return strings.NewReplacer("apiVersion: v1", "apiVersion: "+apiVersion, "kind: List", "kind: "+kind).Replace(inList(item))
}

func TestItemsWithoutATypeHaveThatOfTheirList(t *testing.T) {
	const legacy = "apiVersion: apps.kubeblocks.io/v1alpha1\nkind: Cluster\nmetadata: {name: my1}\nspec: {componentSpecs: [{name: mysql}]}\n"
	backup := backupYAML("bp1", snapshotOf(v1Mark, `"componentSpecs":[`+mysql+`]`))
	for name, c := range map[string]struct{ input, out, problem string }{
		"a Backup":            {untyped("dataprotection.kubeblocks.io/v1alpha1", "BackupList", backup), `"name":"bp1"`, ""},
		"a Cluster":           {untyped("apps.kubeblocks.io/v1alpha1", "ClusterList", legacy), "apiVersion: apps.kubeblocks.io/v1alpha1\n", ""},
		"a Backup of Velero":  {untyped("velero.io/v1", "BackupList", veleroBackup), "", "Backup daily is of group velero.io"},
		"a Pod":               {untyped("v1", "PodList", "metadata: {name: x}\nspec: {}\n"), "", "neither a Backup nor a Cluster of KubeBlocks in it"},
		"nothing":             {"apiVersion: apps.kubeblocks.io/v1\nkind: ClusterList\nitems: [null, x]\n", "", "item 2: not a Kubernetes object"},
		"an item with a type": {strings.Replace(inList(backup), "kind: List", "kind: ThingList", 1), `"name":"bp1"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			out, err := run(c.input)

			if c.problem != "" {
				g.Expect(err).To(MatchError(ContainSubstring(c.problem)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(out).To(ContainSubstring(c.out))
		})
	}
}

func TestOtherGroupsAloneAreNamed(t *testing.T) {
	for input, group := range map[string]string{
		veleroBackup: "Backup daily is of group velero.io",
		cnpgCluster:  "Cluster my1 is of group postgresql.cnpg.io",
		capiCluster:  "Cluster my1 is of group cluster.x-k8s.io",
	} {
		g := NewWithT(t)

		out, err := run(input)

		g.Expect(ExitStatus(err)).To(Equal(2))
		g.Expect(err).To(MatchError("-: neither a Backup nor a Cluster of KubeBlocks in it: " + group))
		g.Expect(out).To(BeEmpty())
	}
}

func TestInputsOfEveryKindAreRead(t *testing.T) {
	backup := backupYAML("bp1", snapshotOf(v1Mark, `"componentSpecs":[`+mysql+`]`))
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte(backup))
	_ = w.Close()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		NewWithT(t).Expect(os.MkdirAll(filepath.Dir(path), 0o700)).To(Succeed())
		NewWithT(t).Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
		return path
	}
	write("folder/a.yaml", veleroBackup)
	write("folder/b.yml.gz", zipped.String())
	write("folder/README.md", "{{ no YAML")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/bp1.yaml" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(backup))
	}))
	defer server.Close()

	for name, c := range map[string]struct{ file, input, problem string }{
		"a pipe":           {"-", backup, ""},
		"a zipped pipe":    {"-", zipped.String(), ""},
		"a file":           {write("bp1.yaml", backup), "", ""},
		"a file with BOM":  {write("bom.yaml", "\ufeff"+backup), "", ""},
		"a zipped file":    {write("bp1.yaml.gz", zipped.String()), "", ""},
		"a folder":         {filepath.Join(dir, "folder"), "", ""},
		"a URL":            {server.URL + "/bp1.yaml", "", ""},
		"no such URL":      {server.URL + "/bp2.yaml", "", server.URL + "/bp2.yaml: 404 Not Found"},
		"half a gzip file": {"-", zipped.String()[:40], "-: unexpected EOF"},
		"an empty folder":  {t.TempDir(), "", "it is empty"},
		"JSON, one after another": {"-", `{"kind":"Pod","apiVersion":"v1"}` + "\n" +
			`{"apiVersion":"apps.kubeblocks.io/v1","kind":"Cluster",` + stored[1:], ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			r := runIn(noCluster(), c.input, "-f", c.file, "--to", "carrot67", "-o", "patch")

			if c.problem != "" {
				g.Expect(ExitStatus(r.err)).To(Equal(2))
				g.Expect(r.err).To(MatchError(ContainSubstring(c.problem)))
				return
			}
			g.Expect(r.err).NotTo(HaveOccurred())
			g.Expect(r.out).To(ContainSubstring(`"value": "carrot67"`))
		})
	}
}

func TestFindingsStandOnStderr(t *testing.T) {
	g := NewWithT(t)
	input := backupYAML("bp1", snapshotOf(v1Mark, `"componentSpecs":[`+mysql+`]`))

	r := runIn(noCluster(), input, "-f", "-", "--to", "carrot67", "--kubeblocks", "1.1")
	quiet := runIn(noCluster(), input, "-f", "-", "--to", "carrot67", "-q")

	g.Expect(r.stderr).To(Equal("RH001 required anti-affinity per node against Pods of cluster my1 (componentSpecs/mysql, from Backup default/bp1) was inherited: rewritten to carrot67\n"))
	g.Expect(quiet.stderr).To(BeEmpty())
	g.Expect(quiet.out).To(Equal(r.out))
}
