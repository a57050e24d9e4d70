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
