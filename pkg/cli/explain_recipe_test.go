package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// served are the objects that `kubectl get` prints for a resource: a Pod of carrot67 that mounts a volume fits on no node.
var served = map[string]string{
	"nodes": `{apiVersion: v1, kind: Node, metadata: {name: node-a}, spec: {unschedulable: true}, status: {allocatable: {pods: "110"}}}`,
	"pods": `{apiVersion: v1, kind: Pod, metadata: {namespace: default, name: carrot67-0, labels: {app.kubernetes.io/instance: carrot67}}, ` +
		`spec: {containers: [{name: main}], volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]}, status: {phase: Pending}}`,
	"namespaces":             `{apiVersion: v1, kind: Namespace, metadata: {name: default}}`,
	"resourcequotas":         `{apiVersion: v1, kind: ResourceQuota, metadata: {namespace: default, name: quota}}`,
	"persistentvolumeclaims": `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {namespace: default, name: data}}`,
	"persistentvolumes":      `{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv}}`,
	"jobs":                   `{apiVersion: batch/v1, kind: Job, metadata: {namespace: default, name: job}}`,
	"storageclasses":         `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: disk}}`,
	"csinodes":               `{apiVersion: storage.k8s.io/v1, kind: CSINode, metadata: {name: node-a}}`,
	"csidrivers":             `{apiVersion: storage.k8s.io/v1, kind: CSIDriver, metadata: {name: disk}}`,
	"csistoragecapacities":   `{apiVersion: storage.k8s.io/v1, kind: CSIStorageCapacity, metadata: {namespace: default, name: disk}}`,
	"clusters.apps.kubeblocks.io": `{apiVersion: apps.kubeblocks.io/v1, kind: Cluster, metadata: {namespace: default, name: carrot67, ` +
		`annotations: {kubeblocks.io/restore-from-backup: '{"mysql":{"name":"bp1","namespace":"default"}}'}}, spec: {}}`,
	"components.apps.kubeblocks.io":         `{apiVersion: apps.kubeblocks.io/v1, kind: Component, metadata: {namespace: default, name: carrot67-mysql}}`,
	"restores.dataprotection.kubeblocks.io": `{apiVersion: dataprotection.kubeblocks.io/v1alpha1, kind: Restore, metadata: {namespace: default, name: r}}`,
	"backups.dataprotection.kubeblocks.io":  `{apiVersion: dataprotection.kubeblocks.io/v1alpha1, kind: Backup, metadata: {namespace: default, name: bp1}}`,
	"rehomings":                             `{apiVersion: rehome.kubeblocks.io/v1alpha1, kind: Rehoming, metadata: {namespace: default, name: carrot67}}`,
}

var kubectlGet = regexp.MustCompile(`kubectl get (\S+) -A -o yaml (>>?) (\S+)`)

// The way to ask a colleague, as the page and the help describe it.
func TestTheRecipeForADumpWorks(t *testing.T) {
	page, err := os.ReadFile("../../docs/explain.md")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for name, text := range map[string]string{"docs/explain.md": string(page), "the help": explainExample} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			t.Chdir(t.TempDir())
			for _, folder := range regexp.MustCompile(`mkdir (\S+)`).FindAllStringSubmatch(text, -1) {
				g.Expect(os.Mkdir(folder[1], 0o700)).To(Succeed())
			}
			for _, command := range kubectlGet.FindAllStringSubmatch(text, -1) {
				how := os.O_TRUNC
				if command[2] == ">>" {
					how = os.O_APPEND
				}
				file, err := os.OpenFile(filepath.Clean(command[3]), os.O_CREATE|os.O_WRONLY|how, 0o600)
				g.Expect(err).NotTo(HaveOccurred())
				list := "apiVersion: v1\nitems:\n"
				for resource := range strings.SplitSeq(command[1], ",") {
					g.Expect(served).To(HaveKey(resource))
					list += "- " + served[resource] + "\n"
				}
				_, err = file.WriteString(list + "kind: List\n")
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(file.Close()).To(Succeed())
			}
			explain := regexp.MustCompile(`\n *rehome explain (carrot67 .*-f \S+)`).FindStringSubmatch(text)
			g.Expect(explain).NotTo(BeNil())

			r := explainIn(noCluster(), strings.Fields(explain[1])...)

			g.Expect(ExitStatus(r.err)).To(Equal(1), "%v", r.err)
			g.Expect(r.out).To(ContainSubstring("on 1 of 1 nodes: cordoned"))
			g.Expect(r.out).NotTo(ContainSubstring("not in the files"))
		})
	}
}
