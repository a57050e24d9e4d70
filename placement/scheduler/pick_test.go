package scheduler

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// Pods that request nothing tie on all nodes. They must not all come on the first.
func TestPodsGoRoundEqualNodes(t *testing.T) {
	w := &placement.World{}
	for i := range 3 {
		name := fmt.Sprintf("node-%d", i)
		all := corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi"), corev1.ResourcePods: resource.MustParse("110"),
		}
		w.Nodes = append(w.Nodes, corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}},
			Status:     corev1.NodeStatus{Allocatable: all, Capacity: all},
		})
	}
	s, err := New(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	nodes := map[string]bool{}
	none := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("0"), corev1.ResourceMemory: resource.MustParse("0")}
	for i := range 3 {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("pod-%d", i)}}
		pod.Spec.Containers = []corev1.Container{{Name: "main", Resources: corev1.ResourceRequirements{Requests: none}}}
		node, err := s.Pick(t.Context(), pod)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Assume(pod, node); err != nil {
			t.Fatal(err)
		}
		nodes[node] = true
	}
	if len(nodes) != 3 {
		t.Errorf("3 Pods came on %d nodes", len(nodes))
	}
}
