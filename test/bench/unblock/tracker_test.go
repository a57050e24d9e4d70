package unblock

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// restorePod returns a restore Pod. Leave node empty for a Pod that is not bound, and unschedulable for one that has no such condition.
func restorePod(cluster, uid, node, unschedulable string) *corev1.Pod {
	pod := &corev1.Pod{}
	pod.UID = types.UID(uid)
	pod.Labels = map[string]string{kubeblocks.LabelInstance: cluster}
	pod.Spec.NodeName = node
	if unschedulable != "" {
		pod.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: unschedulable,
		}}
	}
	return pod
}

func TestRestoreIsStuckAndScheduledWithItsLastPod(t *testing.T) {
	g := NewWithT(t)
	tracked := newTracker([]string{"kiwi"}, 3)
	second := 0
	observe := func(pod *corev1.Pod) {
		second++
		tracked.observe(pod, start.Add(time.Duration(second)*time.Second))
	}
	pods := []string{"a", "b", "c"}

	for _, uid := range pods {
		observe(restorePod("kiwi", uid, "", "0/3 nodes are available"))
	}
	observe(restorePod("kiwi", "a", "", "0/4 nodes are available"))
	observe(restorePod("plum", "x", "node-1", ""))
	for _, uid := range pods {
		observe(restorePod("kiwi", "new-"+uid, "node-1", ""))
	}
	observe(restorePod("kiwi", "new-a", "node-1", ""))

	g.Expect(tracked.restores["kiwi"].stuck).To(Equal(start.Add(3 * time.Second)))
	g.Expect(tracked.restores["kiwi"].scheduled).To(Equal(start.Add(8 * time.Second)))
	r := tracked.since(start)
	g.Expect(r.times).To(Equal([]time.Duration{8 * time.Second}))
	g.Expect(r.span).To(Equal(8 * time.Second))
}

func TestWaitReturnsWithTheLastRestore(t *testing.T) {
	g := NewWithT(t)
	tracked := newTracker([]string{"kiwi", "plum"}, 3)
	done := make(chan error)
	go func() { done <- tracked.wait(t.Context(), time.Minute, "scheduled", isScheduled) }()
	for _, cluster := range []string{"kiwi", "plum"} {
		g.Consistently(done, "20ms").ShouldNot(Receive())
		for _, uid := range []string{"a", "b", "c"} {
			tracked.observe(restorePod(cluster, uid, "node-1", ""), start)
		}
	}
	g.Eventually(done).WithTimeout(time.Minute).Should(Receive(Succeed()))
}

func TestWaitErrorCountsTheMissingRestores(t *testing.T) {
	g := NewWithT(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := newTracker([]string{"kiwi", "plum"}, 3).wait(ctx, time.Minute, "scheduled", isScheduled)
	g.Expect(err).To(MatchError(ContainSubstring("wait until 2 restores are scheduled, 2 are not")))
	g.Expect(err).To(MatchError(context.Canceled))
}

func TestPercentile(t *testing.T) {
	g := NewWithT(t)
	times := make([]time.Duration, 100)
	for i := range times {
		times[i] = time.Duration(100-i) * time.Second
	}
	g.Expect(percentile(times, 50)).To(Equal(50 * time.Second))
	g.Expect(percentile(times, 99)).To(Equal(99 * time.Second))
	g.Expect(percentile(times[:1], 99)).To(Equal(100 * time.Second))
}
