package placement_test

import (
	"encoding/json"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/manifest"
	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/pkg/placement/placementtest"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// apart is a policy that keeps Pods of my1 on nodes of their own.
const apart = `{"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"labelSelector":{"matchLabels":` +
	`{"app.kubernetes.io/instance":"my1"}},"topologyKey":"kubernetes.io/hostname"}]}}}`

// mysql is a component with a volume, and further fields.
func mysql(replicas int, further string) string {
	return fmt.Sprintf(`{"name":"mysql","componentDef":"mysql","replicas":%d,"resources":{"limits":{"cpu":"1","memory":"1Gi"}},`+
		`"volumeClaimTemplates":[{"name":"data","spec":{"accessModes":["ReadWriteOnce"],"storageClassName":"zonal",`+
		`"resources":{"requests":{"storage":"10Gi"}}}}]%s}`, replicas, further)
}

func snapshot(spec string) string {
	return `{"metadata":{"name":"my1","namespace":"default"},"spec":{` + spec + `}}`
}

func components(list string) string { return snapshot(`"componentSpecs":[` + list + `]`) }

// newWorld returns a World with nodes named node-a, node-b, ..., each in the zone given for it.
func newWorld(zones ...string) *placement.World {
	w := &placement.World{
		Namespaces: []corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, {ObjectMeta: metav1.ObjectMeta{Name: "other"}}},
		Classes: []storagev1.StorageClass{{
			ObjectMeta: metav1.ObjectMeta{Name: "zonal"}, Provisioner: "zonal.example.com",
			VolumeBindingMode: ptr.To(storagev1.VolumeBindingWaitForFirstConsumer),
		}},
	}
	for i, zone := range zones {
		name := "node-" + string(rune('a'+i))
		w.Nodes = append(w.Nodes, corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name, corev1.LabelTopologyZone: zone}},
			Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi"), corev1.ResourcePods: resource.MustParse("110"),
			}},
		})
		w.CSINodes = append(w.CSINodes, storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: storagev1.CSINodeSpec{
			Drivers: []storagev1.CSINodeDriver{{Name: "zonal.example.com", NodeID: name, TopologyKeys: []string{corev1.LabelTopologyZone}}},
		}})
	}
	return w
}

// run adds a running Pod.
func run(w *placement.World, name, node string, labels map[string]string, cpu string) *corev1.Pod {
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: labels},
		Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "main", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)},
		}}}},
	}
	w.Pods = append(w.Pods, placement.WholePods([]corev1.Pod{pod})...)
	return w.Pods[len(w.Pods)-1].Object()
}

// runSource adds a Pod of the source on each node.
func runSource(w *placement.World) {
	for i := range w.Nodes {
		pod := run(w, fmt.Sprintf("my1-mysql-%d", i), w.Nodes[i].Name, map[string]string{
			kubeblocks.LabelInstance: "my1", kubeblocks.LabelComponentName: "mysql",
		}, "1")
		pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "workloads.kubeblocks.io/v1", Kind: "InstanceSet", Name: "my1-mysql", Controller: ptr.To(true)}}
	}
}

// inputOf returns the input of a preflight of a snapshot as carrot67.
func inputOf(t *testing.T, w *placement.World, snapshot string) placement.PreflightInput {
	t.Helper()
	source, err := kubeblocks.SourceOfSnapshot([]byte(snapshot))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	source.Backup = "default/bp1"
	return placement.PreflightInput{
		World: w, NewScheduler: placementtest.New,
		Manifest: manifest.Input{
			Snapshot: []byte(snapshot), Source: source,
			Backup:  &manifest.Backup{Namespace: "default", Name: "bp1", Phase: "Completed", Labels: map[string]string{kubeblocks.LabelComponentName: "mysql"}},
			Target:  rewrite.Identity{Namespace: "default", Name: "carrot67"},
			Options: manifest.Options{Version: kubeblocks.V10},
		},
	}
}

func preflight(t *testing.T, in placement.PreflightInput) *placement.PreflightReport {
	t.Helper()
	report, err := placement.Preflight(t.Context(), in)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return report
}

// textOf returns a report in lines without colours.
func textOf(r *placement.PreflightReport) string {
	return r.Text(func(_ placement.Level, line string) string { return line })
}

func blueprint(t *testing.T, manifest string) *kubeblocks.Blueprint {
	t.Helper()
	b, err := kubeblocks.BlueprintOf([]byte(manifest))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	b.Metadata.Namespace, b.Metadata.Name = "default", "carrot67"
	return b
}

func asJSON(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(data)
}
