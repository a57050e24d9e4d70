package worlds

import (
	"encoding/json"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// Restore is a drawn restore of the cluster my1 as carrot67, in Namespace.
type Restore struct {
	// Snapshot is the source as JSON.
	Snapshot []byte
	Version  kubeblocks.Version
}

// GenerateRestore draws a restore. Its rules name the source, other clusters, components or nobody.
func GenerateRestore(r *rand.Rand) Restore {
	g := &generator{Rand: r}
	components := []any{g.component("mysql", 1+g.IntN(3))}
	if g.oneIn(3) {
		components = append(components, g.component("proxy", 1+g.IntN(2)))
	}
	spec := map[string]any{"componentSpecs": components}
	if g.oneIn(4) {
		spec["schedulingPolicy"] = g.policy()
	}
	snapshot, err := json.Marshal(map[string]any{"metadata": map[string]any{"name": "my1", "namespace": Namespace}, "spec": spec})
	if err != nil {
		panic(err)
	}
	return Restore{snapshot, pick(g, kubeblocks.V09, kubeblocks.V10, kubeblocks.V11, kubeblocks.V12)}
}

func (g *generator) component(name string, replicas int) map[string]any {
	c := map[string]any{"name": name, "replicas": replicas}
	if !g.oneIn(4) {
		c["resources"] = map[string]any{"limits": map[string]any{"cpu": pick(g, "500m", "1", "2", "5"), "memory": pick(g, "1Gi", "4Gi", "20Gi")}}
	}
	if !g.oneIn(4) {
		c["schedulingPolicy"] = g.policy()
	}
	if name == "mysql" && !g.oneIn(4) {
		c["volumeClaimTemplates"] = []any{map[string]any{"name": "data", "spec": map[string]any{
			"accessModes": []any{"ReadWriteOnce"}, "storageClassName": ClassLate,
			"resources": map[string]any{"requests": map[string]any{"storage": "1Gi"}},
		}}}
	}
	if replicas > 1 && g.oneIn(4) {
		instance := map[string]any{"name": "big", "replicas": 1}
		if g.oneIn(2) {
			instance["schedulingPolicy"] = g.policy()
		}
		c["instances"] = []any{instance}
	}
	return c
}

// policy draws a scheduling policy with the rules of a Pod that waits.
func (g *generator) policy() map[string]any {
	pod := g.pod("policy")
	g.selection(pod)
	if g.oneIn(2) {
		to := &pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
		*to = append(*to, corev1.PodAffinityTerm{
			TopologyKey:   corev1.LabelHostname,
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{labelInstance: "my1", labelComponent: "mysql"}},
		})
	}
	return map[string]any{
		"affinity": pod.Spec.Affinity, "topologySpreadConstraints": pod.Spec.TopologySpreadConstraints,
		"tolerations": pod.Spec.Tolerations, "nodeSelector": pod.Spec.NodeSelector,
	}
}

// CSINodes say of each node that volumes of ClassLate are tied to its zone.
func CSINodes(nodes []corev1.Node) []storagev1.CSINode {
	all := make([]storagev1.CSINode, 0, len(nodes))
	for i := range nodes {
		all = append(all, storagev1.CSINode{
			ObjectMeta: metav1.ObjectMeta{Name: nodes[i].Name},
			Spec: storagev1.CSINodeSpec{Drivers: []storagev1.CSINodeDriver{{
				Name: provisioner, NodeID: nodes[i].Name, TopologyKeys: []string{corev1.LabelTopologyZone},
			}}},
		})
	}
	return all
}

// Provisioned is the volume that the driver of ClassLate creates for a claim whose first Pod is on a node.
func Provisioned(claim *corev1.PersistentVolumeClaim, node *corev1.Node) *corev1.PersistentVolume {
	pv := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pvc-" + string(claim.UID)},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName: ClassLate, AccessModes: claim.Spec.AccessModes, Capacity: claim.Spec.Resources.Requests,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				CSI: &corev1.CSIPersistentVolumeSource{Driver: provisioner, VolumeHandle: string(claim.UID)},
			},
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
		},
	}
	if zone, ok := node.Labels[corev1.LabelTopologyZone]; ok {
		inZone := corev1.NodeSelectorRequirement{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{zone}}
		pv.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{inZone},
		}}}}
	}
	return pv
}
