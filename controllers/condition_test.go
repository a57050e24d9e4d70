package controllers_test

import (
	"errors"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// Conditions as KubeBlocks writes them.
const (
	validated = `{"type":"ValidationPassed","status":"True","reason":"ValidateSuccessfully","message":"ok","lastTransitionTime":"2026-07-01T11:00:00Z"}`
	preparing = `{"type":"RestorePreparedData","status":"False","reason":"Processing","message":"","lastTransitionTime":"2026-07-01T11:00:01Z"}`
	prepared  = `{"type":"RestorePreparedData","status":"True","reason":"Succeed","message":"done","lastTransitionTime":"2026-07-01T12:30:00Z"}`
)

// setConditions replaces the whole list of a Restore's conditions, as KubeBlocks does.
func (w *world) setConditions(restore *unstructured.Unstructured, conditions ...string) {
	GinkgoHelper()
	w.mergeStatus(restore, `{"status":{"conditions":[`+strings.Join(conditions, ",")+`]}}`)
}

// ours matches Rehome's condition on rules, oursToo that on Pods.
func ours() gomegatypes.GomegaMatcher    { return ofType(v1alpha1.ConditionPolicyRehomed) }
func oursToo() gomegatypes.GomegaMatcher { return ofType(v1alpha1.ConditionPodsScheduled) }

func ofType(conditionType string) gomegatypes.GomegaMatcher {
	return HaveField("Type", conditionType)
}

var _ = besideEachGeneration("The condition of a Restore", func(w *world) {
	It("is set where there is no status at all", func() {
		h := w.hang(source)
		Expect(w.now(h.restore).Object).NotTo(HaveKey("status"))
		w.reconcile()

		w.reconcile()

		Expect(w.conditions(h.restore)).To(ConsistOf(SatisfyAll(
			ours(),
			say(metav1.ConditionFalse, v1alpha1.ReasonWaitingForComponent),
			HaveField("LastTransitionTime.Time", BeTemporally("==", today)),
			HaveField("ObservedGeneration", h.restore.GetGeneration()),
		), SatisfyAll(oursToo(), say(metav1.ConditionFalse, v1alpha1.ReasonUnschedulable))))
	})

	It("is set where the status has no conditions, and leaves the rest of the status alone", func() {
		h := w.hang(source)
		w.mergeStatus(h.restore, `{"status":{"phase":"Running","startTimestamp":"2026-07-01T11:00:00Z"}}`)
		w.reconcile()

		w.reconcile()

		Expect(w.conditions(h.restore)).To(ConsistOf(ours(), oursToo()))
		Expect(w.now(h.restore).Object["status"]).To(SatisfyAll(
			HaveKeyWithValue("phase", "Running"), HaveKeyWithValue("startTimestamp", "2026-07-01T11:00:00Z")))
	})

	It("stands behind KubeBlocks' own, which all stay as they are", func() {
		h := w.hang(source)
		w.setConditions(h.restore, validated, preparing)
		before := w.conditions(h.restore)
		w.reconcile()

		w.reconcile()

		after := w.conditions(h.restore)
		Expect(after).To(HaveExactElements(ofType("ValidationPassed"), ofType("RestorePreparedData"), ours(), oursToo()))
		Expect(after[:2]).To(Equal(before))
	})

	It("changes in its place, and is never there twice", func() {
		h := w.hang(source)
		w.setConditions(h.restore, validated)
		w.reconcile()
		w.reconcile()
		w.setConditions(h.restore, validated, asJSON(w.condition(h.restore)), preparing)

		w.reconcile()

		Expect(w.conditions(h.restore)).To(HaveExactElements(
			ofType("ValidationPassed"), ours(), ofType("RestorePreparedData"), oursToo()))
		Expect(w.condition(h.restore)).To(say(metav1.ConditionFalse, v1alpha1.ReasonWaitingForComponent))
	})

	It("is put back when KubeBlocks drops it", func() {
		h := w.hang(source)
		w.setConditions(h.restore, validated, preparing)
		w.reconcile()
		w.reconcile()
		w.setConditions(h.restore, validated, prepared)
		Expect(w.condition(h.restore)).To(BeNil())

		w.reconcile()

		Expect(w.conditions(h.restore)).To(HaveExactElements(
			ofType("ValidationPassed"), HaveField("Reason", "Succeed"), ours(), oursToo()))
	})

	It("has transitioned only when its status has", func() {
		h := w.hang(source)
		w.reconciler.Config.Mode = configv1alpha1.Observe
		w.reconcile()
		Expect(w.condition(h.restore)).To(say(metav1.ConditionFalse, v1alpha1.ReasonObserved))

		By("another reason of the same status")
		w.clock.SetTime(today.Add(time.Minute))
		w.reconciler.Config.Mode = configv1alpha1.Enforce
		w.reconcile()
		w.reconcile()
		Expect(w.condition(h.restore)).To(SatisfyAll(
			say(metav1.ConditionFalse, v1alpha1.ReasonWaitingForComponent),
			HaveField("LastTransitionTime.Time", BeTemporally("==", today))))

		By("another status")
		w.clock.SetTime(today.Add(time.Hour))
		w.merge(h.backup, `{"metadata":{"annotations":null}}`)
		w.reconcile()
		Expect(w.condition(h.restore)).To(SatisfyAll(
			say(metav1.ConditionUnknown, v1alpha1.ReasonSourceUnknown),
			HaveField("LastTransitionTime.Time", BeTemporally("==", today.Add(time.Hour)))))
	})

	DescribeTable("is set on a Restore, although it cannot be on the one before", func(happens func(before *hang), outcome gomegatypes.GomegaMatcher) {
		h := w.hang(source)
		_, other := w.restoring(h.cluster, "proxy", rehometesting.Apart(source), rehometesting.Apart(source))
		w.before["patch status of Restore"] = func() { happens(h) }
		w.reconcile()

		result, err := w.tryReconcile()

		Expect(w.writes).To(HaveExactElements(
			"patch status of Restore "+h.restore.GetName(), "patch status of Restore "+other.GetName()))
		Expect(w.condition(other)).To(say(metav1.ConditionFalse, v1alpha1.ReasonWaitingForComponent))
		Expect([]any{result.RequeueAfter > 0, err}).To(outcome)
	},
		Entry("because that is gone", func(h *hang) { w.remove(h.restore) }, HaveExactElements(false, BeNil())),
		Entry("because that was changed meanwhile", func(h *hang) { w.setConditions(h.restore, validated) }, HaveExactElements(true, BeNil())),
		Entry("because that is refused", func(h *hang) {
			w.refused["patch status of Restore "+h.restore.GetName()] = errors.New("refused")
		}, HaveExactElements(false, MatchError(ContainSubstring("refused")))),
	)

	It("has a message that the API server takes, however long the rules are", func() {
		h := w.hang(source)
		w.merge(h.cluster, `{"spec":{"schedulingPolicy":{"topologySpreadConstraints":[{"maxSkew":0,"topologyKey":"`+
			strings.Repeat("域", 40_000)+`","whenUnsatisfiable":"DoNotSchedule"}]}}}`)

		w.reconcile()

		Expect(w.condition(h.restore)).To(say(metav1.ConditionUnknown, v1alpha1.ReasonInvalidRule))
	})
})
