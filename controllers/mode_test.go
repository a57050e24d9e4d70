package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
)

var _ = besideKubeBlocks("The mode of a Cluster", func(e *env) {
	// modes sets the mode at each place; an empty one is not set.
	modes := func(configuration configv1alpha1.Mode, namespace, rehoming string) {
		GinkgoHelper()
		e.reconciler.Config.Mode = configuration
		if namespace != "" {
			e.merge(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: e.namespace}}, `{"metadata":{"annotations":{"rehome.kubeblocks.io/mode":"`+namespace+`"}}}`)
		}
		if rehoming != "" {
			Expect(e.steer(v1alpha1.RehomingSpec{Mode: rehoming})).To(Succeed())
		}
	}
	const enforce, observe, disabled = configv1alpha1.Enforce, configv1alpha1.Observe, configv1alpha1.Disabled

	DescribeTable("lets it be rewritten", func(configuration configv1alpha1.Mode, namespace, rehoming string) {
		e.stuckRestore(clusterStale)
		modes(configuration, namespace, rehoming)

		e.reconcile()

		Expect(e.writes).To(ContainElement("patch Cluster carrot67"))
	},
		Entry("by the configuration", enforce, "", ""),
		Entry("by its Namespace", disabled, "Enforce", ""),
		Entry("by its Rehoming, before all others", disabled, "Observe", "Enforce"),
	)

	DescribeTable("lets it only be observed", func(configuration configv1alpha1.Mode, namespace, rehoming string, apartFrom string) {
		h := e.stuckRestore(apartFrom)
		modes(configuration, namespace, rehoming)
		before := e.versions()

		for range 3 {
			e.reconcile()
		}

		after := e.versions()
		restore := "Restore " + h.restore.GetName()
		Expect(after[restore]).NotTo(Equal(before[restore]), "its conditions are Rehome's own")
		after[restore] = before[restore]
		Expect(after).To(Equal(before))
		Expect(e.condition(h.restore)).To(SatisfyAll(
			say(metav1.ConditionFalse, v1alpha1.ReasonObserved),
			HaveField("Message", SatisfyAll(ContainSubstring("Observe"), ContainSubstring("anti-affinity per node against Pods of cluster my1")))))
		Expect(e.events).To(BeEmpty())
	},
		Entry("where the Cluster would be rewritten", observe, "", "", clusterStale),
		Entry("where the Restore would be re-created", observe, "", "", clusterRewritten),
		Entry("by its Namespace", enforce, "Observe", "", clusterStale),
		Entry("by its Rehoming", enforce, "Enforce", "Observe", clusterStale),
	)

	DescribeTable("lets nothing be written", func(configuration configv1alpha1.Mode, namespace, rehoming string) {
		e.stuckRestore(clusterStale)
		modes(configuration, namespace, rehoming)
		before := e.versions()

		e.reconcile()

		Expect(e.writes).To(BeEmpty())
		Expect(e.own).To(BeEmpty())
		Expect(e.versions()).To(Equal(before))
	},
		Entry("by the configuration", disabled, "", ""),
		Entry("by its Namespace", enforce, "Disabled", ""),
		Entry("by its Rehoming", enforce, "Enforce", "Disabled"),
	)

	DescribeTable("stops everything when the Namespace's annotation is invalid", func(namespace, message string) {
		h := e.stuckRestore(clusterStale)
		modes(enforce, namespace, "")

		e.reconcile()

		Expect(e.writes).To(Equal([]string{"patch status of Restore " + h.restore.GetName()}))
		Expect(e.condition(h.restore)).To(SatisfyAll(
			say(metav1.ConditionUnknown, v1alpha1.ReasonInvalidMode), HaveField("Message", ContainSubstring(message))))
	},
		Entry("in its case", "enforce", `must be Enforce, Observe or Disabled, got "enforce"`),
		Entry("as an old word", "Off", "write Disabled"),
		Entry("as YAML's false", "false", "write Disabled"),
	)

	It("is not read from the Cluster, because annotations arrive with snapshots", func() {
		h := e.stuckRestore(clusterStale)
		e.merge(h.cluster, `{"metadata":{"annotations":{"rehome.kubeblocks.io/mode":"Disabled"}}}`)

		e.reconcile()

		Expect(e.writes).To(ContainElement("patch Cluster carrot67"))
	})
})
