package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
)

var _ = besideEachGeneration("A Rehoming that a person created", func(w *world) {
	// says matches the condition Ready of a Rehoming.
	says := func(reason string) {
		GinkgoHelper()
		Expect(meta.FindStatusCondition(w.rehoming().Status.Conditions, v1alpha1.ConditionReady)).To(HaveValue(say(metav1.ConditionUnknown, reason)))
	}

	// copied makes a Cluster that was not restored.
	copied := func() *hang {
		GinkgoHelper()
		h := w.hang(source)
		w.remove(h.restore, h.backup)
		w.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`)
		return h
	}

	It("says that its Cluster is not there, once", func() {
		Expect(w.steer(v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Name: source}})).To(Succeed())

		w.reconcile()
		says(v1alpha1.ReasonNoCluster)

		w.reconcile()
		Expect(w.own).To(BeEmpty())
	})

	It("says that its Cluster was not restored, until it names the source", func() {
		copied()
		Expect(w.steer(v1alpha1.RehomingSpec{AllowRollingUpdate: true})).To(Succeed())

		w.reconcile()
		says(v1alpha1.ReasonNotRestored)

		Expect(w.steer(v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Name: source}})).To(Succeed())
		w.reconcile()
		Expect(w.writes).To(ContainElement("patch Cluster carrot67"))
		Expect(ready(w.rehoming())).To(Equal(v1alpha1.ReasonRewritingCluster))
	})

	It("keeps the story of its Cluster when KubeBlocks has forgotten the Backup", func() {
		h := w.hang(source)
		w.reconcile()
		w.reconcile()
		before := w.rehoming()
		w.remove(h.restore)
		w.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`)

		w.reconcile()

		Expect(w.rehoming().Status).To(Equal(before.Status))
	})
})
