package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/pkg/placement/placementtest"
)

// preflightIn runs `rehome preflight` with arguments.
func preflightIn(c *cluster, input string, args ...string) result {
	streams, in, stdout, stderr := genericiooptions.NewTestIOStreams()
	in.WriteString(input)
	root := NewRoot("rehome", nil, newPreflight(&preflightOptions{IOStreams: streams, cluster: c, newScheduler: placementtest.New}))
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(append([]string{"preflight"}, args...))
	err := root.Execute()
	return result{stdout.String(), stderr.String(), err}
}

// threeNodes are the nodes of the tests, each with a Pod of the source.
func threeNodes() string {
	var docs []string
	for i, name := range []string{"node-a", "node-b", "node-c"} {
		docs = append(docs, node(name), fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: my1-mysql-%d, namespace: default, "+
			"labels: {app.kubernetes.io/instance: my1}}\nspec: {nodeName: %s, containers: [{name: mysql}]}\nstatus: {phase: Running}\n", i, name))
	}
	return strings.Join(docs, "---\n")
}

func node(name string) string {
	return "apiVersion: v1\nkind: Node\nmetadata: {name: " + name + ", labels: {kubernetes.io/hostname: " + name + "}}\n" +
		"status: {allocatable: {cpu: \"4\", memory: 8Gi, pods: \"110\"}}\n"
}

// dump returns what a colleague sends: a Backup, nodes and Pods.
func dump() string {
	return completed("bp1", "Completed", `"2026-01-01T00:00:00Z"`) + "---\n" + threeNodes()
}

func TestPreflightOfFiles(t *testing.T) {
	g := NewWithT(t)
	folder := t.TempDir()
	g.Expect(os.WriteFile(filepath.Join(folder, "all.yaml"), []byte(dump()), 0o600)).To(Succeed())
	for name, r := range map[string]result{
		"a folder": preflightIn(noCluster(), "", "bp1", "--to", "carrot67", "-f", folder, "--kubeblocks", "1.0"),
		"a pipe":   preflightIn(noCluster(), dump(), "bp1", "--to", "carrot67", "-f", "-", "--kubeblocks", "1.0"),
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			g.Expect(r.err).NotTo(HaveOccurred())
			g.Expect(r.out).To(ContainSubstring("FAIL  as KubeBlocks alone restores it: 0 of 3 Pods fit"))
			g.Expect(r.out).To(ContainSubstring("ok    as Rehome rewrites it: 3 of 3 Pods fit"))
			g.Expect(r.out).To(HaveSuffix("Fits with Rehome. Nothing is reserved: this is a look, not a promise.\n"))
			g.Expect(r.out).NotTo(ContainSubstring("\x1b"), "a pipe has no colours")
		})
	}
}

func TestPreflightAsJSON(t *testing.T) {
	g := NewWithT(t)
	r := preflightIn(noCluster(), dump(), "default/bp1", "--to", "carrot67", "-f", "-", "-o", "json")
	g.Expect(r.err).NotTo(HaveOccurred())
	var report placement.PreflightReport
	g.Expect(json.Unmarshal([]byte(r.out), &report)).To(Succeed())
	g.Expect(report.Fits).To(Equal(placement.Yes))
	g.Expect(report.Alone.Fits).To(BeFalse())
	g.Expect(report.Rehomed.Nodes).To(HaveLen(3))
	g.Expect(r.out).To(ContainSubstring("KubeBlocks 1.0, as the snapshot shows"), "no API server shows the version")
}

func TestPreflightAsAPage(t *testing.T) {
	g := NewWithT(t)
	r := preflightIn(noCluster(), dump(), "bp1", "--to", "carrot67", "-f", "-", "-o", "html")
	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(r.out).To(HavePrefix("<!DOCTYPE html>"))
	g.Expect(r.out).To(HaveSuffix("</html>\n"))
}

func TestPreflightThatDoesNotFit(t *testing.T) {
	g := NewWithT(t)
	two := strings.Replace(dump(), node("node-c"), "", 1)
	args := []string{"bp1", "--to", "carrot67", "-f", "-", "--kubeblocks", "1.0"}
	r := preflightIn(noCluster(), two, args...)
	g.Expect(ExitStatus(r.err)).To(Equal(1))
	g.Expect(r.err.Error()).To(BeEmpty(), "that it does not fit is no error message")
	g.Expect(r.out).To(ContainSubstring("      1 node more like node-a (4 cpu, 8Gi memory) would do\n"))

	r = preflightIn(noCluster(), two, append(args, "--add-nodes", "1,cpu=2,memory=4Gi")...)
	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(r.out).To(ContainSubstring("added-1"))

	more := filepath.Join(t.TempDir(), "nodes.yaml")
	g.Expect(os.WriteFile(more, []byte(node("node-x")), 0o600)).To(Succeed())
	r = preflightIn(noCluster(), two, append(args, "--nodes", more)...)
	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(r.out).To(ContainSubstring("node-x"))

	g.Expect(os.WriteFile(more, []byte(strings.Replace(node("node-b"), "pods: \"110\"", "pods: \"0\"", 1)), 0o600)).To(Succeed())
	r = preflightIn(noCluster(), dump(), append(args, "--nodes", more)...)
	g.Expect(ExitStatus(r.err)).To(Equal(1), "the node of the same name is replaced")
	g.Expect(r.out).To(ContainSubstring("FAIL  as Rehome rewrites it: 2 of 3 Pods fit                       node-a, node-c\n"))
}

func TestPreflightThatCannotBeTold(t *testing.T) {
	g := NewWithT(t)
	class := "---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: zonal}\nprovisioner: zonal.example.com\n"
	input := strings.Replace(dump()+class, `"replicas":3`, `"replicas":3,"volumeClaimTemplates":[{"name":"data","spec":{"storageClassName":"zonal"}}]`, 1)
	r := preflightIn(noCluster(), input, "bp1", "--to", "carrot67", "-f", "-")
	g.Expect(ExitStatus(r.err)).To(Equal(2), r.out)
	g.Expect(r.out).To(ContainSubstring("unknown: class zonal chooses the zone of a volume before the Pod has a node"))
	g.Expect(r.out).To(HaveSuffix("Cannot be told: see the lines with warn.\n"))
}

// A user can restore such a Backup into a Cluster of their own definition, which preflight does not know.
func TestPreflightOfASnapshotThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct{ input, line string }{
		"broken": {strings.ReplaceAll(dump(), `"componentSpecs":[`, `"componentSpecs":[[`), `(?m)^warn  .*holds a cluster snapshot that cannot be read.* \(RH019\): only a Cluster`},
		"none":   {strings.ReplaceAll(dump(), "kubeblocks.io/cluster-snapshot", "x"), `(?m)^warn  .* \(RH018\): only a Cluster that you define`},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			for _, output := range []string{"text", "html", "json"} {
				r := preflightIn(noCluster(), c.input, "bp1", "--to", "carrot67", "-f", "-", "-o", output)
				g.Expect(ExitStatus(r.err)).To(Equal(2))
				g.Expect(r.err.Error()).To(BeEmpty(), "the report says it")
				if output == "text" {
					g.Expect(r.out).To(MatchRegexp(c.line))
				}
			}
		})
	}
}

func TestPreflightOfTheSameBackupTwice(t *testing.T) {
	r := preflightIn(noCluster(), dump()+"---\n"+dump(), "bp1", "--to", "carrot67", "-f", "-", "--kubeblocks", "1.0")
	NewWithT(t).Expect(r.err).NotTo(HaveOccurred())
}

// What is not in the files is not known: it is neither a yes nor a no.
func TestPreflightOfIncompleteFiles(t *testing.T) {
	claims := strings.Replace(dump(), `"replicas":3`, `"replicas":3,"volumeClaimTemplates":[{"name":"data","spec":{"storageClassName":"disk"}}]`, 1)
	nodes := completed("bp1", "Completed", `"2026-01-01T00:00:00Z"`) + "---\n" + node("node-a") + "---\n" + node("node-b") + "---\n" + node("node-c")
	for name, c := range map[string]struct {
		input, line string
		status      int
	}{
		"no Pods":            {nodes, "warn  Pods that were not read can hold room", 2},
		"no storage classes": {claims, "warn  without all storageclasses, nobody knows where volumes can be mounted", 2},
		"an empty list of storage classes": {
			claims + "---\napiVersion: storage.k8s.io/v1\nkind: StorageClassList\nitems: []\n", "FAIL  storage class disk does not exist", 1,
		},
		"no further kinds": {dump(), "warn  csidrivers, csinodes, csistoragecapacities, namespaces, persistentvolumeclaims, persistentvolumes, " +
			"resourcequotas, storageclasses: not in the files", 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := preflightIn(noCluster(), c.input, "bp1", "--to", "carrot67", "-f", "-", "--kubeblocks", "1.0")
			g.Expect(ExitStatus(r.err)).To(Equal(c.status), r.out)
			g.Expect(r.out).To(ContainSubstring(c.line))
		})
	}
}

func TestPreflightReadsTheClusterToCreate(t *testing.T) {
	annotated := "---\napiVersion: apps.kubeblocks.io/v1\nkind: Cluster\nmetadata:\n  name: carrot67\n  annotations: {kubeblocks.io/restore-from-backup: '{}'}\nspec: {}\n"
	for name, c := range map[string]struct{ input, line string }{
		"with the annotation on 1.2": {annotated, "FAIL  Cluster carrot67 names no Backup in a way that KubeBlocks 1.2 reads"},
		"that exists":                {strings.Replace(annotated, "  name: carrot67", "  name: carrot67\n  uid: u1", 1), "FAIL  Cluster default/carrot67 exists"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := preflightIn(noCluster(), dump()+c.input, "bp1", "--to", "carrot67", "-f", "-", "--kubeblocks", "1.2")
			g.Expect(ExitStatus(r.err)).To(Equal(1))
			g.Expect(r.out).To(ContainSubstring(c.line))
		})
	}
}

func TestPreflightOfVolumes(t *testing.T) {
	for name, c := range map[string]struct{ method, line string }{
		"that the Backup does not hold": {"{targetVolumes: {volumeMounts: [{name: log}]}}", "as KubeBlocks alone restores it: 0 of 3 Pods fit"},
		"that the Backup holds":         {"{targetVolumes: {volumes: [data]}}", "as KubeBlocks alone restores it: 0 of 3 restore Pods fit"},
		"of a logical Backup":           {"{}", "ok    no restore Pods"},
		"of snapshots":                  {"{snapshotVolumes: true, targetVolumes: {volumes: [data]}}", "ok    no restore Pods"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			input := strings.Replace(dump(), "status: {phase: Completed", "status: {backupMethod: "+c.method+", phase: Completed", 1)
			input = strings.Replace(input, `"replicas":3`, `"replicas":3,"volumeClaimTemplates":[{"name":"data","spec":{}}]`, 1)
			input += "---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: disk, annotations: {storageclass.kubernetes.io/is-default-class: \"true\"}}\n"
			r := preflightIn(noCluster(), input, "bp1", "--to", "carrot67", "-f", "-", "--kubeblocks", "1.0")
			g.Expect(r.out).To(ContainSubstring(c.line))
		})
	}
}

func TestPreflightOfBadInput(t *testing.T) {
	for name, c := range map[string]struct {
		input, problem string
		args           []string
	}{
		"no target":         {dump(), "--to is required", []string{"bp1"}},
		"a bad target":      {dump(), `--to "My": `, []string{"bp1", "--to", "My"}},
		"no Backup":         {threeNodes(), "neither a Backup", []string{"bp1", "--to", "carrot67"}},
		"another Backup":    {dump(), `no Backup "bp2" in it, only bp1`, []string{"bp2", "--to", "carrot67"}},
		"a bad output":      {dump(), `--output "xml" is none of text, json, html`, []string{"bp1", "--to", "carrot67", "-o", "xml"}},
		"a bad version":     {dump(), `--kubeblocks "2" is none of`, []string{"bp1", "--to", "carrot67", "--kubeblocks", "2"}},
		"bad nodes":         {dump(), `--add-nodes "x": the number of nodes "x" is not 1 to 1000`, []string{"bp1", "--to", "carrot67", "--add-nodes", "x"}},
		"no nodes":          {completed("bp1", "Completed", "null"), "the files have no Node", []string{"bp1", "--to", "carrot67"}},
		"an unread version": {strings.ReplaceAll(dump(), `"annotations":{"kubeblocks.io/crd-api-version":"apps.kubeblocks.io/v1"}`, `"labels":{}`), "give --kubeblocks", []string{"bp1", "--to", "carrot67"}},
		"broken Pods":       {dump() + "---\nkind: Pod\n\tmetadata: {}\n", "document 8: not YAML or JSON", []string{"bp1", "--to", "carrot67"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := preflightIn(noCluster(), c.input, append(c.args, "-f", "-")...)
			g.Expect(ExitStatus(r.err)).To(Equal(2))
			g.Expect(r.err).To(MatchError(ContainSubstring(c.problem)))
			g.Expect(strings.Count(r.err.Error(), "\n")).To(BeZero())
			g.Expect(r.out).To(BeEmpty())
		})
	}
}
