package controlplane

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// Node is a node. kwok simulates its kubelet.
type Node struct {
	// Name is also the label kubernetes.io/hostname.
	Name string
	// Zone is the label topology.kubernetes.io/zone, which is absent if Zone is empty.
	Zone string
	// Pods is how many Pods it has room for. Default: 110.
	Pods int64
	// Labels are more labels. They override those above.
	Labels map[string]string
	// Taints are permanent.
	Taints []corev1.Taint
}

// object returns the Node as a kubelet registers it.
func (n Node) object() *corev1.Node {
	labels := map[string]string{
		corev1.LabelHostname:   n.Name,
		corev1.LabelOSStable:   runtime.GOOS,
		corev1.LabelArchStable: runtime.GOARCH,
	}
	if n.Zone != "" {
		labels[corev1.LabelTopologyZone] = n.Zone
	}
	for key, value := range n.Labels {
		labels[key] = value
	}
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("8"),
		corev1.ResourceMemory: resource.MustParse("32Gi"),
		corev1.ResourcePods:   *resource.NewQuantity(cmp.Or(n.Pods, 110), resource.DecimalSI),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: labels},
		Spec:       corev1.NodeSpec{Taints: n.Taints},
		Status:     corev1.NodeStatus{Capacity: capacity, Allocatable: capacity},
	}
}

// AddNode creates a node and returns when Pods can be scheduled to it: it is Ready, and the node lifecycle controller has removed the
// not-ready taint of every new node.
func (c *ControlPlane) AddNode(ctx context.Context, n Node) error {
	if _, err := c.clientset.CoreV1().Nodes().Create(ctx, n.object(), metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating node %s: %w", n.Name, err)
	}
	if err := c.await(ctx, "nodes", metav1.NamespaceAll, n.Name, &corev1.Node{}, isUsable); err != nil {
		return fmt.Errorf("node %s does not become ready: %w", n.Name, err)
	}
	return nil
}

// isUsable is a watchtools.ConditionFunc.
func isUsable(event watch.Event) (bool, error) {
	node, ok := event.Object.(*corev1.Node)
	if !ok || event.Type == watch.Deleted {
		return false, errors.New("it was deleted")
	}
	ready := slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
	tainted := slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool {
		return t.Key == corev1.TaintNodeNotReady
	})
	return ready && !tainted, nil
}
