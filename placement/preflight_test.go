package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rehome-operator/rehome/pkg/cli"
	"github.com/rehome-operator/rehome/placement/scheduler"
)

// storageOfPage is the storage class of the page, whose volumes are tied to zones.
const storageOfPage = `
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: disk}
provisioner: disk.example.com
volumeBindingMode: WaitForFirstConsumer
`

// restOfPage says of the other kinds that they have no objects.
const restOfPage = `---
{apiVersion: v1, kind: NamespaceList, items: []}
---
{apiVersion: v1, kind: PersistentVolumeClaimList, items: []}
---
{apiVersion: v1, kind: PersistentVolumeList, items: []}
---
{apiVersion: v1, kind: ResourceQuotaList, items: []}
---
{apiVersion: storage.k8s.io/v1, kind: CSIDriverList, items: []}
---
{apiVersion: storage.k8s.io/v1, kind: CSIStorageCapacityList, items: []}
`

// nodeOfPage is a node of the page with a Pod of the source. Its parameters are a name, a zone and a number.
const nodeOfPage = `---
apiVersion: v1
kind: Node
metadata: {name: %[1]s, labels: {kubernetes.io/hostname: %[1]s, topology.kubernetes.io/zone: %[2]s}}
status: {allocatable: {cpu: "4", memory: 16Gi, pods: "110"}}
---
apiVersion: storage.k8s.io/v1
kind: CSINode
metadata: {name: %[1]s}
spec: {drivers: [{name: disk.example.com, nodeID: %[1]s, topologyKeys: [topology.kubernetes.io/zone]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: my1-mysql-%[3]d, namespace: default, labels: {app.kubernetes.io/instance: my1, apps.kubeblocks.io/component-name: mysql}}
spec: {nodeName: %[1]s, schedulerName: default-scheduler, containers: [{name: mysql, image: mysql}]}
status: {phase: Running}
`

// backupOfPage is a Backup of the page. Its parameters are a name and the snapshot.
const backupOfPage = `---
apiVersion: dataprotection.kubeblocks.io/v1alpha1
kind: Backup
metadata:
  name: %s
  namespace: default
  labels: {app.kubernetes.io/instance: my1, apps.kubeblocks.io/component-name: mysql}
  annotations: {kubeblocks.io/cluster-snapshot: %q}
status: {phase: Completed}
`

// dumpOfPage is what docs/preflight.md is about: three nodes with a Pod of my1 each, and Backups of three and of five Pods.
func dumpOfPage() string {
	dump := storageOfPage + restOfPage
	for i, zone := range []string{"a", "b", "b"} {
		dump += fmt.Sprintf(nodeOfPage, "node-"+string(rune('a'+i)), zone, i)
	}
	rules, _ := json.Marshal(apart(map[string]string{"app.kubernetes.io/instance": "my1"}))
	for name, replicas := range map[string]int{"bp1": 3, "bp5": 5} {
		snapshot := fmt.Sprintf(`{"apiVersion":"apps.kubeblocks.io/v1","kind":"Cluster","metadata":{"name":"my1","namespace":"default",`+
			`"annotations":{"kubeblocks.io/crd-api-version":"apps.kubeblocks.io/v1"}},"spec":{"componentSpecs":[{"name":"mysql","componentDef":"mysql",`+
			`"replicas":%d,"schedulingPolicy":{"affinity":%s},"volumeClaimTemplates":[{"name":"data",`+
			`"spec":{"accessModes":["ReadWriteOnce"],"storageClassName":"disk","resources":{"requests":{"storage":"1Gi"}}}}]}]}}`,
			replicas, rules)
		dump += fmt.Sprintf(backupOfPage, name, snapshot)
	}
	return dump
}

func TestThePageOfPreflightShowsItsOutput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dump.yaml")
	NewWithT(t).Expect(os.WriteFile(file, []byte(dumpOfPage()), 0o600)).To(Succeed())
	page, err := os.ReadFile("../docs/preflight.md")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for backup, status := range map[string]int{"bp1": 0, "bp5": 1} {
		t.Run(backup, func(t *testing.T) {
			g := NewWithT(t)
			streams, _, out, errOut := genericiooptions.NewTestIOStreams()
			root := cli.NewPlacementRoot(streams, scheduler.New, scheduler.FromFile)
			root.SetArgs([]string{"preflight", backup, "--to", "carrot67", "-f", file, "--kubeblocks", "1.0"})
			g.Expect(cli.ExitStatus(root.Execute())).To(Equal(status), errOut.String())

			shown := "    $ kubectl rehome preflight " + backup + " --to carrot67\n"
			for line := range strings.Lines(out.String()) {
				shown += "    " + line
			}
			g.Expect(string(page)).To(ContainSubstring("\n"+shown+"\n"), shown)
		})
	}
}
