package controllers_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

var _ = besideKubeBlocks("The report on a Cluster whose Backup has expired", func(e *env) {
	const removesReference = `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`
	// finished makes a Cluster that was rewritten, and whose Restore was re-created and has completed.
	finished := func() *stuckRestore {
		GinkgoHelper()
		h := e.stuckRestore(clusterStale)
		e.reconcile()
		e.remove(h.pod, h.job, h.restore)
		e.merge(h.component, `{"spec":`+asJSON(map[string]any{"schedulingPolicy": rehometesting.Apart(target)})+`}`)
		restore := rehometesting.MakeRestore(e.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Policy(rehometesting.Apart(target)).Obj()
		e.create(restore)
		e.mergeStatus(restore, `{"status":{"phase":"Completed"}}`)
		e.merge(h.cluster, removesReference)
		e.reconcile()
		Expect(ready(e.rehoming())).To(Equal(v1alpha1.ReasonRehomed))
		h.restore = restore
		return h
	}

	It("does not change, whatever process leads and however often Rehome looks", func() {
		h := finished()
		before, conditions := e.rehoming().Status, e.conditions(h.restore)
		e.remove(h.backup)

		e.reconcile()
		e.reconciler = e.newReconciler()
		e.reconcile()

		Expect(e.writes).To(BeEmpty())
		Expect(e.own).To(BeEmpty())
		Expect(e.rehoming().Status).To(Equal(before))
		Expect(e.conditions(h.restore)).To(Equal(conditions))
		Expect(e.metric("rehome_clusters", v1alpha1.ReasonRehomed).GetGauge().GetValue()).To(Equal(1.0))
		Expect(e.metric("rehome_restores", v1alpha1.ReasonRehomed).GetGauge().GetValue()).To(Equal(1.0))
		Expect(e.metric("rehome_findings", "SourceIdentity").GetGauge().GetValue()).To(Equal(2.0))
	})

	It("does not change where Git made the Rehoming", func() {
		Expect(e.steer(v1alpha1.RehomingSpec{Mode: "Enforce"})).To(Succeed())
		e.clock.SetTime(time.Now()) // a Rehoming counts if it reports on what was created before
		h := finished()
		Expect(e.rehoming().OwnerReferences).To(BeEmpty())
		before := e.rehoming().Status
		e.remove(h.backup)

		e.reconcile()

		Expect(e.writes).To(BeEmpty())
		Expect(e.rehoming().Status).To(Equal(before))
	})

	It("says which spec it is about", func() {
		h := finished()
		before, conditions := e.rehoming().Status, e.conditions(h.restore)
		e.remove(h.backup)
		Expect(e.steer(v1alpha1.RehomingSpec{Mode: "Observe"})).To(Succeed())
		e.clock.Step(time.Hour)

		e.reconcile()

		Expect(e.rehoming().Status).To(Equal(aboutSpec(before, 2, "Observe")))
		Expect(e.conditions(h.restore)).To(Equal(conditions))
		e.reconcile()
		Expect(e.own).To(BeEmpty())
	})

	It("says that the source is unknown while a Restore is under way", func() {
		h := e.stuckRestore(clusterStale)
		e.reconcile()
		e.reconcile()
		e.remove(h.backup)

		e.reconcile()

		Expect(ready(e.rehoming())).To(Equal(v1alpha1.ReasonSourceUnknown))
	})

	It("lets the owner consent later, and reports what was done then", func() {
		h := e.stuckRestore(clusterStale)
		e.create(e.databasePod(h.component, "carrot67-mysql-0").OnNode("node1").Obj())
		proxy := rehometesting.MakeComponent(h.cluster, "proxy").Policy(rehometesting.Apart(source)).Obj()
		e.create(e.databasePod(proxy, "carrot67-proxy-0").OnNode("node1").Obj())
		e.remove(h.pod, h.job)
		e.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)
		e.merge(h.cluster, removesReference)
		e.reconcile()
		Expect(ready(e.rehoming())).To(Equal(v1alpha1.ReasonClusterStarted))
		e.remove(h.backup)
		e.reconcile()
		Expect(e.writes).To(BeEmpty())
		Expect(ready(e.rehoming())).To(Equal(v1alpha1.ReasonClusterStarted))

		Expect(e.steer(v1alpha1.RehomingSpec{Consents: []v1alpha1.Consent{v1alpha1.ConsentRollingUpdate}})).To(Succeed())
		e.reconcile()
		Expect(e.now(h.cluster).Object["spec"]).To(Equal(e.cluster(target, target).Obj().Object["spec"]))
		e.reconcile()

		status := e.rehoming().Status
		Expect(status.Edits).To(And(HaveLen(2), HaveEach(HaveField("AppliedTime", Not(BeNil())))))
		Expect(status.Backups).To(HaveLen(1))
		Expect(meta.FindStatusCondition(status.Conditions, v1alpha1.RehomingPolicyRehomed).Status).NotTo(Equal(metav1.ConditionUnknown))
	})
})
