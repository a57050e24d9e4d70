package controllers_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

var _ = besideEachGeneration("A write that somebody is ahead of", func(w *world) {
	// comesToNothing reconciles, lets somebody be ahead of a write, and expects that the reconcile only asks to look again.
	comesToNothing := func(write string, somebody func()) {
		GinkgoHelper()
		w.before[write] = somebody
		result := w.reconcile()
		Expect(w.before).To(BeEmpty(), "the write came")
		Expect(result.RequeueAfter).To(BeNumerically(">", 0))
		Expect(result.RequeueAfter).To(BeNumerically("<=", time.Minute))
		Expect(w.events).To(BeEmpty())
	}

	It("does not change a Cluster that was changed elsewhere, until it is seen again", func() {
		h := w.hang(source)
		want := w.now(h.cluster).Object["spec"].(map[string]any)
		want["terminationPolicy"] = "Halt"

		comesToNothing("patch Cluster", func() { w.merge(h.cluster, `{"spec":{"terminationPolicy":"Halt"}}`) })
		Expect(w.now(h.cluster).Object["spec"]).To(Equal(want))
		Expect(w.condition(h.restore)).To(BeNil())

		w.reconcile()
		want = w.cluster(target, target).Obj().Object["spec"].(map[string]any)
		want["terminationPolicy"] = "Halt"
		Expect(w.now(h.cluster).Object["spec"]).To(Equal(want))
	})

	It("does not change a Cluster whose components were reordered", func() {
		h := w.hang(source)
		reordered := rehometesting.MakeCluster(w.generation, w.namespace, target).
			Component("proxy", rehometesting.Apart("web1")).Component("mysql", rehometesting.Apart(source)).Obj().Object["spec"]

		comesToNothing("patch Cluster", func() {
			cluster := w.now(h.cluster)
			cluster.Object["spec"] = reordered
			Expect(w.admin.Update(w.ctx, cluster)).To(Succeed())
		})

		Expect(w.now(h.cluster).Object["spec"]).To(Equal(reordered))
	})

	It("does not change another Cluster of the same name", func() {
		h := w.hang(source)
		successor := w.cluster(target, source).Obj()

		comesToNothing("patch Cluster", func() {
			w.remove(h.cluster)
			w.create(successor)
		})

		Expect(w.now(successor).GetResourceVersion()).To(Equal(successor.GetResourceVersion()))
	})

	It("comes to nothing when the Cluster is gone", func() {
		h := w.hang(source)

		comesToNothing("patch Cluster", func() { w.remove(h.cluster) })
	})

	It("does not delete a Restore that got going", func() {
		h := w.hang(target)

		comesToNothing("delete Restore", func() {
			w.mergeStatus(h.restore, `{"status":{"actions":{"prepareData":[{"objectKey":"Job/restore-preparedata-0","status":"Completed"}]}}}`)
		})
		Expect(w.now(h.restore).GetDeletionTimestamp()).To(BeNil())

		w.reconcile()
		Expect(w.now(h.restore).GetDeletionTimestamp()).To(BeNil())
		Expect(w.condition(h.restore)).To(say(metav1.ConditionFalse, v1alpha1.ReasonRestoreStarted))
	})

	It("does not delete another Restore of the same name", func() {
		h := w.hang(target)
		successor := rehometesting.MakeRestore(w.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Stale(source).Obj()

		comesToNothing("delete Restore", func() {
			w.remove(h.restore)
			w.create(successor)
		})

		Expect(w.now(successor).GetDeletionTimestamp()).To(BeNil())
	})

	It("comes to nothing when the Restore is gone", func() {
		h := w.hang(target)

		comesToNothing("delete Restore", func() { w.remove(h.restore) })
	})

	DescribeTable("loses no condition that KubeBlocks sets meanwhile", func(before ...string) {
		h := w.hang(target)
		w.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)
		w.setConditions(h.restore, before...)

		comesToNothing("patch status of Restore", func() { w.setConditions(h.restore, validated, prepared) })
		theirs := w.conditions(h.restore)
		Expect(theirs).To(HaveExactElements(ofType("ValidationPassed"), HaveField("Reason", "Succeed")))

		w.reconcile()
		Expect(w.conditions(h.restore)).To(HaveLen(4))
		Expect(w.conditions(h.restore)[:2]).To(Equal(theirs))
	},
		Entry("when there were none"),
		Entry("when there was one", validated),
		Entry("when one of several changes", validated, preparing),
	)

	It("does not put a condition on another Restore of the same name", func() {
		h := w.hang(target)
		w.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)
		successor := rehometesting.MakeRestore(w.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Stale(source).Obj()

		comesToNothing("patch status of Restore", func() {
			w.remove(h.restore)
			w.create(successor)
		})

		Expect(w.conditions(successor)).To(BeEmpty())
	})
})

var _ = besideEachGeneration("A write that is refused", func(w *world) {
	It("is an error, and the Restore still says what is due", func() {
		h := w.hang(source)
		w.merge(h.cluster, `{"spec":{"frozen":true}}`)
		frozen := w.now(h.cluster).GetResourceVersion()

		result, err := w.tryReconcile()

		Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
		Expect(err).To(MatchError(ContainSubstring("the Cluster is frozen")))
		Expect(result.RequeueAfter).To(BeZero())
		Expect(w.now(h.cluster).GetResourceVersion()).To(Equal(frozen))
		Expect(w.condition(h.restore)).To(HaveField("Reason", v1alpha1.ReasonRewritingCluster))
		Expect(w.events).To(BeEmpty())
	})
})
