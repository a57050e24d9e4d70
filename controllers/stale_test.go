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

var _ = besideKubeBlocks("A write that somebody is ahead of", func(e *env) {
	// comesToNothing reconciles, lets somebody be ahead of a write, and expects that the reconcile only asks to look again.
	comesToNothing := func(write string, somebody func()) {
		GinkgoHelper()
		e.before[write] = somebody
		result := e.reconcile()
		Expect(e.before).To(BeEmpty(), "the write came")
		Expect(result.RequeueAfter).To(BeNumerically(">", 0))
		Expect(result.RequeueAfter).To(BeNumerically("<=", time.Minute))
		Expect(e.events).To(BeEmpty())
	}

	It("does not change a Cluster that was changed elsewhere, until it is seen again", func() {
		h := e.stuckRestore(clusterStale)
		want := e.now(h.cluster).Object["spec"].(map[string]any)
		want["terminationPolicy"] = "Halt"

		comesToNothing("patch Cluster", func() { e.merge(h.cluster, `{"spec":{"terminationPolicy":"Halt"}}`) })
		Expect(e.now(h.cluster).Object["spec"]).To(Equal(want))
		Expect(e.condition(h.restore)).To(BeNil())

		e.reconcile()
		want = e.cluster(target, target).Obj().Object["spec"].(map[string]any)
		want["terminationPolicy"] = "Halt"
		Expect(e.now(h.cluster).Object["spec"]).To(Equal(want))
	})

	It("does not change a Cluster whose components were reordered", func() {
		h := e.stuckRestore(clusterStale)
		reordered := rehometesting.MakeCluster(e.generation, e.namespace, target).
			Component("proxy", rehometesting.Apart("web1")).Component("mysql", rehometesting.Apart(source)).Obj().Object["spec"]

		comesToNothing("patch Cluster", func() {
			cluster := e.now(h.cluster)
			cluster.Object["spec"] = reordered
			Expect(e.admin.Update(e.ctx, cluster)).To(Succeed())
		})

		Expect(e.now(h.cluster).Object["spec"]).To(Equal(reordered))
	})

	It("does not change another Cluster of the same name", func() {
		h := e.stuckRestore(clusterStale)
		successor := e.cluster(target, source).Obj()

		comesToNothing("patch Cluster", func() {
			e.remove(h.cluster)
			e.create(successor)
		})

		Expect(e.now(successor).GetResourceVersion()).To(Equal(successor.GetResourceVersion()))
	})

	It("comes to nothing when the Cluster is gone", func() {
		h := e.stuckRestore(clusterStale)

		comesToNothing("patch Cluster", func() { e.remove(h.cluster) })
	})

	It("does not delete a Restore that got going", func() {
		h := e.stuckRestore(clusterRewritten)

		comesToNothing("delete Restore", func() {
			e.mergeStatus(h.restore, `{"status":{"actions":{"prepareData":[{"objectKey":"Job/restore-preparedata-0","status":"Completed"}]}}}`)
		})
		Expect(e.now(h.restore).GetDeletionTimestamp()).To(BeNil())

		e.reconcile()
		Expect(e.now(h.restore).GetDeletionTimestamp()).To(BeNil())
		Expect(e.condition(h.restore)).To(say(metav1.ConditionFalse, v1alpha1.ReasonRestoreStarted))
	})

	It("does not delete another Restore of the same name", func() {
		h := e.stuckRestore(clusterRewritten)
		successor := rehometesting.MakeRestore(e.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Stale(source).Obj()

		comesToNothing("delete Restore", func() {
			e.remove(h.restore)
			e.create(successor)
		})

		Expect(e.now(successor).GetDeletionTimestamp()).To(BeNil())
	})

	It("comes to nothing when the Restore is gone", func() {
		h := e.stuckRestore(clusterRewritten)

		comesToNothing("delete Restore", func() { e.remove(h.restore) })
	})

	DescribeTable("loses no condition that KubeBlocks sets meanwhile", func(before ...string) {
		h := e.stuckRestore(clusterRewritten)
		e.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)
		e.setConditions(h.restore, before...)

		comesToNothing("patch status of Restore", func() { e.setConditions(h.restore, validated, prepared) })
		theirs := e.conditions(h.restore)
		Expect(theirs).To(HaveExactElements(ofType("ValidationPassed"), HaveField("Reason", "Succeed")))

		e.reconcile()
		Expect(e.conditions(h.restore)).To(HaveLen(4))
		Expect(e.conditions(h.restore)[:2]).To(Equal(theirs))
	},
		Entry("when there were none"),
		Entry("when there was one", validated),
		Entry("when one of several changes", validated, preparing),
	)

	It("does not put a condition on another Restore of the same name", func() {
		h := e.stuckRestore(clusterRewritten)
		e.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)
		successor := rehometesting.MakeRestore(e.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Stale(source).Obj()

		comesToNothing("patch status of Restore", func() {
			e.remove(h.restore)
			e.create(successor)
		})

		Expect(e.conditions(successor)).To(BeEmpty())
	})
})

var _ = besideKubeBlocks("A write that is refused", func(e *env) {
	It("is an error, and the Restore still says what is due", func() {
		h := e.stuckRestore(clusterStale)
		e.merge(h.cluster, `{"spec":{"frozen":true}}`)
		frozen := e.now(h.cluster).GetResourceVersion()

		result, err := e.tryReconcile()

		Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
		Expect(err).To(MatchError(ContainSubstring("the Cluster is frozen")))
		Expect(result.RequeueAfter).To(BeZero())
		Expect(e.now(h.cluster).GetResourceVersion()).To(Equal(frozen))
		Expect(e.condition(h.restore)).To(HaveField("Reason", v1alpha1.ReasonRewritingCluster))
		Expect(e.events).To(BeEmpty())
	})
})
