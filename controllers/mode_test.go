package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
)

var _ = besideEachGeneration("The mode of a Cluster", func(w *world) {
	// modes sets the mode at each place; an empty one is not set.
	modes := func(h *hang, configuration configv1alpha1.Mode, namespace, cluster string) {
		GinkgoHelper()
		w.reconciler.Config.Mode = configuration
		if namespace != "" {
			w.merge(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}, `{"metadata":{"annotations":{"rehome.kubeblocks.io/mode":"`+namespace+`"}}}`)
		}
		if cluster != "" {
			w.merge(h.cluster, `{"metadata":{"annotations":{"rehome.kubeblocks.io/mode":"`+cluster+`"}}}`)
		}
	}
	const enforce, observe, off = configv1alpha1.Enforce, configv1alpha1.Observe, configv1alpha1.Off

	DescribeTable("lets it be rewritten", func(configuration configv1alpha1.Mode, namespace, cluster string) {
		modes(w.hang(source), configuration, namespace, cluster)

		w.reconcile()

		Expect(w.writes).To(ContainElement("patch Cluster carrot67"))
	},
		Entry("as the configuration says", enforce, "", ""),
		Entry("as its Namespace says", off, "Enforce", ""),
		Entry("as it says itself, whatever the others say", off, "Observe", "Enforce"),
	)

	DescribeTable("has it only observed", func(configuration configv1alpha1.Mode, namespace, cluster string, apartFrom string) {
		h := w.hang(apartFrom)
		modes(h, configuration, namespace, cluster)
		before := w.versions()

		for range 3 {
			w.reconcile()
		}

		after := w.versions()
		restore := "Restore " + h.restore.GetName()
		Expect(after[restore]).NotTo(Equal(before[restore]), "its conditions are Rehome's own")
		after[restore] = before[restore]
		Expect(after).To(Equal(before))
		Expect(w.condition(h.restore)).To(SatisfyAll(
			say(metav1.ConditionFalse, v1alpha1.ReasonObserved),
			HaveField("Message", SatisfyAll(ContainSubstring("Observe"), ContainSubstring("anti-affinity per node against Pods of cluster my1")))))
		Expect(w.events).To(BeEmpty())
	},
		Entry("where the Cluster would be rewritten", observe, "", "", source),
		Entry("where the Restore would be re-created", observe, "", "", target),
		Entry("as its Namespace says", enforce, "Observe", "", source),
		Entry("as it says itself", enforce, "Enforce", "Observe", source),
	)

	DescribeTable("has it left alone", func(configuration configv1alpha1.Mode, namespace, cluster string) {
		modes(w.hang(source), configuration, namespace, cluster)
		before := w.versions()

		w.reconcile()

		Expect(w.writes).To(BeEmpty())
		Expect(w.versions()).To(Equal(before))
	},
		Entry("as the configuration says", off, "", ""),
		Entry("as its Namespace says", enforce, "Off", ""),
		Entry("as it says itself", enforce, "Enforce", "Off"),
	)

	DescribeTable("has it left alone when it is none", func(namespace, cluster string) {
		h := w.hang(source)
		modes(h, enforce, namespace, cluster)

		w.reconcile()

		Expect(w.writes).To(Equal([]string{"patch status of Restore " + h.restore.GetName()}))
		Expect(w.condition(h.restore)).To(SatisfyAll(
			say(metav1.ConditionUnknown, v1alpha1.ReasonInvalidMode), HaveField("Message", ContainSubstring(`"enforce"`))))
	},
		Entry("as its Namespace says", "enforce", ""),
		Entry("as it says itself", "Enforce", "enforce"),
	)

	It("can change at any time", func() {
		h := w.hang(source)
		modes(h, enforce, "", "Off")
		w.reconcile()
		Expect(w.writes).To(BeEmpty())

		modes(h, enforce, "", "Enforce")
		w.reconcile()

		Expect(w.writes).To(ContainElement("patch Cluster carrot67"))
	})
})
