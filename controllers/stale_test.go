package controllers_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

var _ = besideKubeBlocks("A write after another write", func(e *env) {
	// failsStale reconciles, with another write just before one of Rehome's, and expects that the reconcile only requeues.
	failsStale := func(write string, another func()) {
		GinkgoHelper()
		e.before[write] = another
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

		failsStale("patch Cluster", func() { e.merge(h.cluster, `{"spec":{"terminationPolicy":"Halt"}}`) })
		Expect(e.now(h.cluster).Object["spec"]).To(Equal(want))
		Expect(e.condition(h.restore)).To(BeNil())

		e.reconcile()
		want = e.cluster(target, target).Obj().Object["spec"].(map[string]any)
		want["terminationPolicy"] = "Halt"
		Expect(e.now(h.cluster).Object["spec"]).To(Equal(want))
	})

	It("does not delete a Restore that started", func() {
		h := e.stuckRestore(clusterRewritten)

		failsStale("delete Restore", func() {
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

		failsStale("delete Restore", func() {
			e.remove(h.restore)
			e.create(successor)
		})

		Expect(e.now(successor).GetDeletionTimestamp()).To(BeNil())
	})

	It("does not delete a Restore when the scheduler has made room for its Pod since the list", func() {
		h := e.stuckRestore(clusterRewritten)

		failsStale("get Pod 1", func() { e.mergeStatus(h.pod, `{"status":{"nominatedNodeName":"node1"}}`) })

		Expect(e.writes).NotTo(ContainElement(HavePrefix("delete")))
	})

	It("records no attempt on a Cluster that was changed elsewhere", func() {
		h := e.stuckRestore(clusterRewritten)

		failsStale("patch Cluster", func() { e.merge(h.cluster, `{"spec":{"terminationPolicy":"Halt"}}`) })

		Expect(e.history().Attempts).To(BeEmpty())
		Expect(e.now(h.restore).GetDeletionTimestamp()).To(BeNil())
	})

	It("does not change a Cluster when a database Pod is bound whose InstanceSet is new since the observation", func() {
		h := e.stuckRestore(clusterStale)
		e.create(e.databasePod(h.component, "carrot67-mysql-0").Unschedulable(unschedulable).Obj())
		proxy := e.componentOf(h, "proxy")
		e.create(proxy)

		failsStale("get Rehoming 2", func() { e.create(e.databasePod(proxy, "carrot67-proxy-0").OnNode("node1").Obj()) })

		Expect(e.writes).To(BeEmpty())
	})
})

var _ = besideKubeBlocks("A write that succeeds", func(e *env) {
	It("is followed by another reconcile, because the next action need not come with an event", func() {
		e.stuckRestore(clusterStale)

		result := e.reconcile()

		Expect(e.writes).To(ContainElement("patch Cluster carrot67"))
		Expect(result.RequeueAfter).To(Equal(time.Second))
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

	It("takes no token where it would have recorded an attempt", func() {
		h := e.stuckRestore(clusterRewritten)
		e.reconciler.Config.Limits.RemediationBurst = 1
		e.refused["patch Cluster "+target] = apierrors.NewForbidden(schema.GroupResource{}, target, nil)
		_, err := e.tryReconcile()
		Expect(err).To(MatchError(apierrors.IsForbidden, "forbidden"))
		clear(e.refused)

		e.reconcile()

		Expect(e.writes).To(ContainElement("delete Restore " + h.restore.GetName()))
	})
})
