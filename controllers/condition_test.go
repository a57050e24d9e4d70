package controllers_test

import (
	"errors"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// validated is a condition as KubeBlocks writes it.
const validated = `{"type":"ValidationPassed","status":"True","reason":"ValidateSuccessfully","message":"ok","lastTransitionTime":"2026-07-01T11:00:00Z"}`

// setConditions replaces the whole list of a Restore's conditions, as KubeBlocks does.
func (e *env) setConditions(restore *unstructured.Unstructured, conditions ...string) {
	GinkgoHelper()
	e.mergeStatus(restore, `{"status":{"conditions":[`+strings.Join(conditions, ",")+`]}}`)
}

// ours matches Rehome's condition on rules, oursToo that on Pods.
func ours() gomegatypes.GomegaMatcher    { return ofType(v1alpha1.ConditionPolicyRehomed) }
func oursToo() gomegatypes.GomegaMatcher { return ofType(v1alpha1.ConditionPodsScheduled) }

func ofType(conditionType string) gomegatypes.GomegaMatcher {
	return HaveField("Type", conditionType)
}

var _ = besideKubeBlocks("The condition of a Restore", func(e *env) {
	It("is set where there is no status at all", func() {
		h := e.stuckRestore(clusterStale)
		Expect(e.now(h.restore).Object).NotTo(HaveKey("status"))
		e.reconcile()

		e.reconcile()

		Expect(e.conditions(h.restore)).To(ConsistOf(SatisfyAll(
			ours(),
			say(metav1.ConditionFalse, v1alpha1.ReasonWaitingForComponent),
			HaveField("LastTransitionTime.Time", BeTemporally("==", today)),
			HaveField("ObservedGeneration", h.restore.GetGeneration()),
		), SatisfyAll(oursToo(), say(metav1.ConditionFalse, v1alpha1.ReasonUnschedulable))))
	})

	DescribeTable("is set on a Restore, although it cannot be on the one before", func(happens func(before *stuckRestore), outcome gomegatypes.GomegaMatcher) {
		h := e.stuckRestore(clusterStale)
		_, other := e.restoring(h.cluster, "proxy", rehometesting.Apart(source), rehometesting.Apart(source))
		e.before["patch status of Restore"] = func() { happens(h) }
		e.reconcile()

		result, err := e.tryReconcile()

		Expect(e.writes).To(HaveExactElements(
			"patch status of Restore "+h.restore.GetName(), "patch status of Restore "+other.GetName()))
		Expect(e.condition(other)).To(say(metav1.ConditionFalse, v1alpha1.ReasonWaitingForComponent))
		Expect([]any{result.RequeueAfter > 0, err}).To(outcome)
	},
		Entry("because that is gone", func(h *stuckRestore) { e.remove(h.restore) }, HaveExactElements(false, BeNil())),
		Entry("because that was changed meanwhile", func(h *stuckRestore) { e.setConditions(h.restore, validated) }, HaveExactElements(true, BeNil())),
		Entry("because that is refused", func(h *stuckRestore) {
			e.refused["patch status of Restore "+h.restore.GetName()] = errors.New("refused")
		}, HaveExactElements(false, MatchError(ContainSubstring("refused")))),
	)

	It("has a message that the API server takes, however long the rules are", func() {
		h := e.stuckRestore(clusterStale)
		e.merge(h.cluster, `{"spec":{"schedulingPolicy":{"topologySpreadConstraints":[{"maxSkew":0,"topologyKey":"`+
			strings.Repeat("域", 40_000)+`","whenUnsatisfiable":"DoNotSchedule"}]}}}`)

		e.reconcile()

		Expect(e.condition(h.restore)).To(say(metav1.ConditionUnknown, v1alpha1.ReasonInvalidRule))
	})
})
