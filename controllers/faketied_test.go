package controllers_test

import (
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// Where volumes are tied, fakeKubeBlocks does this, too:
//   - the Component is created from the Cluster as it was read some time before, so that it can have older rules;
//   - a Job has a volume claim, which is created before it, and which the database Pod of that ordinal mounts later;
//   - a claim keeps the node of its first Pod. The scheduler finds no other node for a Pod with it;
//   - an InstanceSet is created when the Restore has completed. It replaces no Pods.

// createComponent creates the Component of carrot67.
func (k *fakeKubeBlocks) createComponent() []write {
	GinkgoHelper()
	if !k.tied || len(k.seen.components) > 0 {
		return nil
	}
	if k.stale == nil {
		return []write{{"read the Cluster", func() {
			GinkgoHelper()
			k.stale = &unstructured.Unstructured{}
			k.stale.SetGroupVersionKind(k.generation.Apps.WithKind("Cluster"))
			Expect(k.admin.Get(k.ctx, k.key(k.cluster), k.stale)).To(Succeed())
		}}}
	}
	specs, _, err := unstructured.NestedSlice(k.stale.Object, "spec", "componentSpecs")
	Expect(err).NotTo(HaveOccurred())
	policy, _, err := unstructured.NestedMap(specs[0].(map[string]any), "schedulingPolicy")
	Expect(err).NotTo(HaveOccurred())
	component := rehometesting.MakeComponent(k.stale, "mysql").Policy(policy).Obj()
	Expect(unstructured.SetNestedField(component.Object, int64(k.jobs), "spec", "replicas")).To(Succeed())
	return []write{k.create(component)}
}

// createInstanceSets creates the InstanceSet of a Component whose Restore has completed.
func (k *fakeKubeBlocks) createInstanceSets() []write {
	GinkgoHelper()
	if !k.tied || len(k.seen.sets) > 0 {
		return nil
	}
	var due []write
	for i := range k.seen.restores {
		if k.seen.restores[i].Status.Phase != kubeblocks.RestoreCompleted {
			continue
		}
		component := &unstructured.Unstructured{}
		component.SetGroupVersionKind(k.generation.Apps.WithKind("Component"))
		Expect(k.admin.Get(k.ctx, k.key(k.seen.components[0].Name), component)).To(Succeed())
		due = append(due, k.create(rehometesting.MakeInstanceSet(k.generation, component).Replicas(int64(k.jobs)).OnDelete().Obj()))
	}
	return due
}

// createJob creates a Job or, where its claim is missing, that.
func (k *fakeKubeBlocks) createJob(restore *kubeblocks.Restore, job *rehometesting.JobWrapper, ordinal int) write {
	if !k.tied {
		return k.create(job.Obj())
	}
	name := fmt.Sprintf("data-%s-mysql-%d", k.cluster, ordinal)
	if slices.ContainsFunc(k.seen.claims, func(c corev1.PersistentVolumeClaim) bool { return c.Name == name }) {
		return k.create(job.Claim(name).Obj())
	}
	return k.create(&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{
		Namespace: k.namespace, Name: name, Labels: map[string]string{
			kubeblocks.LabelInstance: k.cluster, kubeblocks.LabelComponentName: restore.Labels[kubeblocks.LabelComponentName],
		},
	}})
}

// mount adds its claim to a database Pod.
func (k *fakeKubeBlocks) mount(pod *corev1.Pod) {
	if k.tied {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data-" + pod.Name},
		}})
	}
}

// placeOf returns the node that a Pod's volume is tied to; empty where there is none.
func (k *fakeKubeBlocks) placeOf(pod *corev1.Pod) string {
	for i := range k.seen.claims {
		if slices.Contains(kubeblocks.ClaimsOf(&pod.Spec), k.seen.claims[i].Name) {
			return kubeblocks.SelectedNode(&k.seen.claims[i])
		}
	}
	return ""
}

// place ties the volume of a Pod to a node.
func (k *fakeKubeBlocks) place(pod *corev1.Pod, node string) {
	GinkgoHelper()
	for i := range k.seen.claims {
		if slices.Contains(kubeblocks.ClaimsOf(&pod.Spec), k.seen.claims[i].Name) && kubeblocks.SelectedNode(&k.seen.claims[i]) == "" {
			k.merge(&k.seen.claims[i], map[string]any{"metadata": map[string]any{"annotations": map[string]any{annotationSelectedNode: node}}}).do()
		}
	}
}

// annotationSelectedNode, on a claim, names the node that the scheduler chose for its first Pod.
const annotationSelectedNode = "volume.kubernetes.io/selected-node"

// freeNode has a node without Pods of the source: nothing is stuck, and all volumes are tied to that node. Without Rehome every Pod runs.
var freeNode = scenario{
	generation: rehometesting.V10,
	begin: func(t *faultRun) {
		k := t.fakeKubeBlocks
		k.tied, k.database, k.jobs = true, true, 2
		for _, name := range []string{"node1", "node2", "free"} {
			t.addNode(name, room)
		}
		t.sourceOn(t.cluster(source, source).Obj(), k.nodes[:2])
		t.create(t.cluster(target, source).RestoredFrom("mysql", backup).Obj())
	},
	cured: func(t *faultRun) {
		for _, pod := range t.pods() {
			Expect(pod.Spec.NodeName).NotTo(BeEmpty(), pod.Name)
		}
	},
}

// addNode adds a node with room for so many Pods of carrot67.
func (t *faultRun) addNode(name string, room int) {
	GinkgoHelper()
	t.fakeKubeBlocks.nodes = append(t.fakeKubeBlocks.nodes, node{name, room})
	if t.fakeKubeBlocks.tied {
		labels := map[string]string{corev1.LabelHostname: name}
		t.create(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}})
	}
}
