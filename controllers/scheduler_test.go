package controllers_test

import (
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// schedule binds Pods that have no node, or says why none takes them.
func (k *fakeKubeBlocks) schedule() []write {
	GinkgoHelper()
	var due []write
	for i := range k.seen.pods {
		pod := &k.seen.pods[i]
		if pod.Spec.NodeName != "" || pod.DeletionTimestamp != nil {
			continue
		}
		if name, why := k.nodeFor(pod); name != "" {
			due = append(due, k.bind(pod, name))
		} else if kubeblocks.Unschedulable(pod) != why {
			due = append(due, k.setUnschedulable(pod, why))
		}
	}
	return due
}

// nodeFor returns the first node that takes a Pod, or why none does, in the scheduler's words.
func (k *fakeKubeBlocks) nodeFor(pod *corev1.Pod) (name, why string) {
	GinkgoHelper()
	full, apart, elsewhere := 0, 0, 0
	place := k.placeOf(pod)
	for _, n := range k.nodes {
		switch {
		case place != "" && n.name != place:
			elsewhere++
		case k.keepsAway(pod, n.name):
			apart++
		case k.onNode(n.name) >= n.room:
			full++
		case k.short == "":
			return n.name, ""
		}
	}
	var reasons []string
	if left := len(k.nodes) - full - apart - elsewhere; left > 0 {
		reasons = append(reasons, fmt.Sprintf("%d %s", left, k.short))
	}
	if full > 0 {
		reasons = append(reasons, fmt.Sprintf("%d Too many pods", full))
	}
	if apart > 0 {
		reasons = append(reasons, fmt.Sprintf("%d node(s) didn't match pod anti-affinity rules", apart))
	}
	if elsewhere > 0 {
		reasons = append(reasons, fmt.Sprintf("%d node(s) didn't match PersistentVolume's node affinity", elsewhere))
	}
	return "", fmt.Sprintf("0/%d nodes are available: %s.", len(k.nodes), strings.Join(reasons, ", "))
}

// keepsAway reports whether a node has a Pod that another Pod's required anti-affinity names.
func (k *fakeKubeBlocks) keepsAway(pod *corev1.Pod, name string) bool {
	GinkgoHelper()
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.PodAntiAffinity == nil {
		return false
	}
	for _, term := range pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
		Expect(term.TopologyKey).To(Equal(corev1.LabelHostname), "the scheduler of fakeKubeBlocks knows no other rules")
		selector, err := metav1.LabelSelectorAsSelector(term.LabelSelector)
		Expect(err).NotTo(HaveOccurred())
		if slices.ContainsFunc(slices.Concat(k.seen.pods, k.others), func(p corev1.Pod) bool {
			return p.Spec.NodeName == name && p.UID != pod.UID && !hasEnded(&p) && selector.Matches(labels.Set(p.Labels))
		}) {
			return true
		}
	}
	return false
}

// onNode counts the Pods of the Cluster on a node that have not ended.
func (k *fakeKubeBlocks) onNode(name string) int {
	count := 0
	for i := range k.seen.pods {
		if k.seen.pods[i].Spec.NodeName == name && !hasEnded(&k.seen.pods[i]) {
			count++
		}
	}
	return count
}

func hasEnded(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodSucceeded }

// bind binds a Pod.
func (k *fakeKubeBlocks) bind(pod *corev1.Pod, name string) write {
	return write{"bind " + nameOf(pod) + " to " + name, func() {
		GinkgoHelper()
		k.place(pod, name)
		Expect(k.admin.SubResource("binding").Create(k.ctx, pod.DeepCopy(), bindingTo(name))).To(Succeed())
	}}
}

func bindingTo(name string) *corev1.Binding {
	return &corev1.Binding{Target: corev1.ObjectReference{Kind: "Node", Name: name}}
}

// setUnschedulable says why a Pod has no node.
func (k *fakeKubeBlocks) setUnschedulable(pod *corev1.Pod, why string) write {
	return k.mergeStatus(pod, map[string]any{"conditions": []any{map[string]any{
		"type": corev1.PodScheduled, "status": corev1.ConditionFalse, "reason": corev1.PodReasonUnschedulable, "message": why,
	}}})
}
