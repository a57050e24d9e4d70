package controllers_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
)

var _ = besideKubeBlocks("A Rehoming of a skipped Cluster", func(e *env) {
	// says matches the condition Ready of a Rehoming.
	says := func(reason string) {
		GinkgoHelper()
		Expect(meta.FindStatusCondition(e.rehoming().Status.Conditions, v1alpha1.ConditionReady)).To(HaveValue(say(metav1.ConditionUnknown, reason)))
	}

	// copied makes a Cluster that was not restored.
	copied := func() *stuckRestore {
		GinkgoHelper()
		h := e.stuckRestore(clusterStale)
		e.remove(h.restore, h.backup)
		e.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`)
		return h
	}

	It("says that its Cluster is not there, once", func() {
		Expect(e.steer(v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Name: source}})).To(Succeed())

		e.reconcile()
		says(v1alpha1.ReasonNoCluster)

		e.reconcile()
		Expect(e.own).To(BeEmpty())
	})

	It("says that its Cluster was not restored, until it names the source", func() {
		copied()
		Expect(e.steer(v1alpha1.RehomingSpec{Consents: []v1alpha1.Consent{v1alpha1.ConsentRollingUpdate}})).To(Succeed())

		e.reconcile()
		says(v1alpha1.ReasonNotRestored)

		Expect(e.steer(v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Name: source}})).To(Succeed())
		e.reconcile()
		Expect(e.writes).To(ContainElement("patch Cluster carrot67"))
		Expect(ready(e.rehoming())).To(Equal(v1alpha1.ReasonRewritingCluster))
	})

	It("keeps the report on its Cluster when KubeBlocks has removed the reference to the Backup", func() {
		h := e.stuckRestore(clusterStale)
		e.reconcile()
		e.reconcile()
		before := e.rehoming()
		e.remove(h.restore)
		e.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`)

		e.reconcile()

		Expect(e.rehoming().Status).To(Equal(before.Status))
	})

	It("says that its Cluster is not there any more, and nothing about that one", func() {
		Expect(e.steer(v1alpha1.RehomingSpec{Consents: []v1alpha1.Consent{v1alpha1.ConsentRollingUpdate}})).To(Succeed())
		h := e.stuckRestore(clusterStale)
		e.reconcile()
		e.reconcile()
		Expect(e.rehoming().Status.Edits).To(HaveEach(HaveField("AppliedTime", Not(BeNil()))))
		e.remove(h.pod, h.job, h.restore, h.component, h.cluster)

		e.reconcile()

		says(v1alpha1.ReasonNoCluster)
		status := e.rehoming().Status
		Expect(status).To(Equal(v1alpha1.RehomingStatus{ObservedGeneration: 1, Conditions: status.Conditions}))
		Expect(status.Conditions).To(HaveLen(1))

		e.reconcile()
		Expect(e.own).To(BeEmpty())
	})

	It("is left to the garbage collector when it belongs to a Cluster that is not there any more", func() {
		h := e.stuckRestore(clusterStale)
		e.reconcile()
		e.reconcile()
		before := e.rehoming()
		e.remove(h.pod, h.job, h.restore, h.component, h.cluster)

		e.reconcile()

		Expect(e.rehoming().Status).To(Equal(before.Status))
	})

	It("says which spec the report that it keeps is about", func() {
		h := e.stuckRestore(clusterStale)
		e.reconcile()
		e.reconcile()
		before := e.rehoming().Status
		e.remove(h.restore)
		e.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`)
		Expect(e.steer(v1alpha1.RehomingSpec{Mode: "Observe"})).To(Succeed())
		e.clock.Step(time.Hour)

		e.reconcile()

		Expect(e.rehoming().Status).To(Equal(aboutSpec(before, 2, "Observe")))
		e.reconcile()
		Expect(e.own).To(BeEmpty())
	})
})

// aboutSpec is a report that only says anew which spec it is about.
func aboutSpec(status v1alpha1.RehomingStatus, generation int64, mode string) v1alpha1.RehomingStatus {
	about := *status.DeepCopy()
	about.ObservedGeneration, about.Mode = generation, mode
	for i := range about.Conditions {
		about.Conditions[i].ObservedGeneration = generation
	}
	return about
}

// While Rehome is down, nothing says that a Cluster was deleted, and another of its name created.
var _ = inMemory("A Rehoming that Rehome did not create", func(e *env) {
	restored := func() *stuckRestore {
		GinkgoHelper()
		h := e.stuckRestore(clusterRewritten)
		e.remove(h.pod, h.job)
		e.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)
		return h
	}
	reportsReady := func() {
		GinkgoHelper()
		e.reconcile()
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(HaveField("Status", metav1.ConditionTrue)))
	}
	// forget does what KubeBlocks does in time: nothing shows any more that the Cluster was restored.
	forget := func(h *stuckRestore) {
		GinkgoHelper()
		e.remove(h.restore)
		e.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`)
	}
	gone := func(h *stuckRestore) {
		GinkgoHelper()
		e.remove(h.restore, h.component, h.cluster, h.backup, h.source)
		e.clock.Step(time.Minute)
	}

	BeforeEach(func() {
		Expect(e.steer(v1alpha1.RehomingSpec{Consents: []v1alpha1.Consent{v1alpha1.ConsentRollingUpdate}})).To(Succeed())
	})

	It("says of the next Cluster of that name, which was not restored, that it was not", func() {
		h := restored()
		reportsReady()
		gone(h)
		e.create(e.cluster(target, source).Obj())

		e.reconcile()

		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(say(metav1.ConditionUnknown, v1alpha1.ReasonNotRestored)))
		Expect(e.rehoming().Status.Restores).To(BeEmpty())
		e.reconcile()
		Expect(e.own).To(BeEmpty())
	})

	It("keeps the report on the next Cluster of that name, which was restored, too", func() {
		h := restored()
		reportsReady()
		gone(h)
		h = restored()
		reportsReady()
		before := e.rehoming().Status
		forget(h)
		e.clock.Step(time.Hour)

		e.reconcile()

		Expect(e.rehoming().Status).To(Equal(before))
	})

	It("keeps the report of the second in which its Cluster was created", func() {
		e.clock.Step(900 * time.Millisecond)
		h := restored()
		reportsReady()
		before := e.rehoming().Status
		forget(h)

		e.reconcile()

		Expect(e.rehoming().Status).To(Equal(before))
		Expect(e.own).To(BeEmpty())
	})
})
