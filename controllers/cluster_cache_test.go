package controllers

import (
	"context"
	"reflect"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// pods is a cache that holds Pods.
type pods struct {
	client.Client
	items []corev1.Pod
}

func (p pods) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	list.(*corev1.PodList).Items = p.items
	return nil
}

// The API server keeps the seconds of a Pod's creation time, and this process the nanoseconds of its attempts.
func TestPodOfTheSecondOfAnAttemptCountsAsItsOutcome(t *testing.T) {
	g := NewWithT(t)
	attempt := time.Date(2026, 7, 1, 12, 0, 0, 200_000_000, time.UTC)
	created := func(after time.Duration) []corev1.Pod {
		pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(attempt.Add(after).Truncate(time.Second))}}
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "no"}}
		return []corev1.Pod{pod}
	}
	outcome := func(after time.Duration) attempts.Outcome {
		r := &ClusterReconciler{Client: pods{items: created(after)}}
		found, err := r.outcomeOf(t.Context(), attempts.Attempt{Time: metav1.NewTime(attempt)})
		g.Expect(err).NotTo(HaveOccurred())
		return found
	}

	g.Expect(outcome(700 * time.Millisecond).Unschedulable).To(Equal("no"))
	g.Expect(outcome(-time.Second).Unschedulable).To(BeEmpty(), "it was there before")
}

func TestCacheHoldsNothingThatKubectlApplyRemembers(t *testing.T) {
	for _, obj := range []client.Object{&kubeblocks.Cluster{}, &kubeblocks.Component{}, &kubeblocks.Restore{}} {
		g := NewWithT(t)
		obj.SetAnnotations(map[string]string{corev1.LastAppliedConfigAnnotation: "{...}", "other": "x"})
		obj.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "kubectl"}})
		stripped := 0
		for of, options := range CacheByObject() {
			if options.Transform == nil || reflect.TypeOf(of) != reflect.TypeOf(obj) {
				continue
			}
			stripped++
			_, err := options.Transform(obj)
			g.Expect(err).NotTo(HaveOccurred())
		}

		g.Expect(stripped).To(Equal(1), "%T", obj)
		g.Expect(obj.GetAnnotations()).To(Equal(map[string]string{corev1.LastAppliedConfigAnnotation: "", "other": "x"}),
			"a patch must know that there are annotations")
		g.Expect(obj.GetManagedFields()).To(BeEmpty())
	}
}

func TestCachedPodKeepsItsNominatedNode(t *testing.T) {
	g := NewWithT(t)
	pod := &corev1.Pod{Status: corev1.PodStatus{NominatedNodeName: "node1"}}

	stripped, err := stripPod(pod)

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(stripped.(*corev1.Pod).Status.NominatedNodeName).To(Equal("node1"))
}
