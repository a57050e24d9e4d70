package controllers_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

var _ = besideKubeBlocks12("An Instance of a restored Cluster", func(e *env) {
	const pod0, pod1 = "carrot67-mysql-0", "carrot67-mysql-1"
	const patched, deleted = "patch Instance " + pod0, "delete Pod " + pod0

	var v *volumeRestore
	// place is a node, of an Entry that needs one.
	var place string
	// instance makes an Instance with a Pod that has no node, and its claim. Both have the stale rules, the InstanceSet has not.
	instance := func(name string, change func(*rehometesting.PodWrapper), claimed func(*rehometesting.ClaimWrapper)) (*unstructured.Unstructured, *corev1.Pod) {
		GinkgoHelper()
		pod := v.pod(name).Unschedulable(unschedulable)
		stale := v.set.DeepCopy()
		stale.Object["spec"] = map[string]any{"template": map[string]any{"spec": rehometesting.Apart(source)}}
		obj := rehometesting.MakeInstance(stale, pod.Obj())
		e.create(obj)
		pod.Of(obj).Rules(stale, "spec", "template", "spec")
		change(pod)
		claim := e.claimOf(pod.Obj())
		claimed(claim)
		e.create(pod.Obj(), claim.Obj())
		return obj, pod.Obj()
	}
	unchanged := func(*rehometesting.PodWrapper) {}
	unbound := func(*rehometesting.ClaimWrapper) {}
	rules := func(obj *unstructured.Unstructured) any {
		GinkgoHelper()
		spec, _, err := unstructured.NestedMap(e.now(obj).Object, "spec", "template", "spec")
		Expect(err).NotTo(HaveOccurred())
		return spec
	}
	BeforeEach(func() { v = e.volumeRestore(clusterRewritten, fromBackup) })

	It("gets the rewritten rules, and then KubeBlocks replaces its Pod", func() {
		obj, _ := instance(pod0, unchanged, unbound)

		e.reconcile()

		Expect(e.writes).To(ContainElement(patched))
		Expect(rules(obj)).To(Equal(rehometesting.Apart(target)))
		Expect(e.events).To(ContainElement("Normal InstanceRewritten Rewrote 1 places of stale scheduling rules in Instance " + pod0 + "."))

		By("the Pod is KubeBlocks' to replace")
		for range 3 {
			e.reconcile()
			Expect(e.writes).NotTo(ContainElement(HavePrefix("delete")))
		}
	})

	It("is rewritten, and its Pod is deleted, where the update strategy is OnDelete", func() {
		obj, _ := instance(pod0, unchanged, unbound)
		e.merge(obj, `{"spec":{"instanceUpdateStrategyType":"OnDelete"}}`)

		e.reconcile()
		Expect(e.writes).To(ContainElement(patched))
		Expect(e.writes).NotTo(ContainElement(deleted))
		e.reconcile()
		Expect(e.writes).To(ContainElement(deleted))
	})

	DescribeTable("stays as it is", func(change func(*rehometesting.PodWrapper), claimed func(*rehometesting.ClaimWrapper), reason string) {
		place = e.node("n1", "a")
		e.node("n2", "a")
		obj, _ := instance(pod0, change, claimed)
		instance(pod1, change, claimed)

		for range 3 {
			e.reconcile()
			Expect(e.writes).NotTo(ContainElement(HavePrefix("patch Instance")))
		}

		Expect(rules(obj)).To(Equal(rehometesting.Apart(source)))
		Expect(e.reported(v1alpha1.RehomingPolicyRehomed)).To(HaveValue(say(metav1.ConditionFalse, reason)))
	},
		Entry("while its claim shares its node with another", unchanged, func(c *rehometesting.ClaimWrapper) { c.Selected(place) }, v1alpha1.ReasonVolumesBound),
		Entry("while the scheduler has yet to decide on its Pod", func(p *rehometesting.PodWrapper) { p.Obj().Status.Conditions = nil }, unbound,
			v1alpha1.ReasonWaitingForScheduler),
	)

	DescribeTable("stays as it is when, after the observation,", func(change func(pod *corev1.Pod)) {
		obj, pod := instance(pod0, unchanged, unbound)
		e.before["get Rehoming 2"] = func() { change(pod) }

		e.reconcile()

		Expect(e.before).To(BeEmpty())
		Expect(rules(obj)).To(Equal(rehometesting.Apart(source)))
	},
		Entry("its Pod is bound", func(pod *corev1.Pod) {
			Expect(e.admin.SubResource("binding").Create(e.ctx, pod.DeepCopy(), bindingTo("node1"))).To(Succeed())
		}),
		Entry("a node is selected for its claim", func(pod *corev1.Pod) {
			e.merge(e.claimOf(pod).Obj(), `{"metadata":{"annotations":{"`+annotationSelectedNode+`":"node1"}}}`)
		}),
	)

	It("stays as it is while the InstanceSet is stale", func() {
		e.remove(v.set)
		v.set = rehometesting.MakeInstanceSet(e.generation, rehometesting.MakeComponent(v.cluster, "mysql").Policy(rehometesting.Apart(source)).Obj()).Obj()
		v.set.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(v.component, v.component.GroupVersionKind())})
		e.create(v.set)
		instance(pod0, unchanged, unbound)

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement(patched))
	})

	It("stays as it is where database Pods are only reported", func() {
		instance(pod0, unchanged, unbound)
		e.reconciler.Config.DatabasePods = configv1alpha1.ReportDatabasePods

		e.reconcile()

		Expect(e.writes).To(BeEmpty())
	})

	It("stays as it is when it does not belong to the Cluster", func() {
		obj, _ := instance(pod0, unchanged, unbound)
		e.merge(obj, `{"metadata":{"ownerReferences":null}}`)

		e.reconcile()

		Expect(e.writes).To(BeEmpty())
	})

	It("is rewritten again at most as often as a Restore is re-created", func() {
		obj, _ := instance(pod0, unchanged, unbound)
		count := 0
		for range 8 {
			e.reconcile()
			for _, write := range e.writes {
				if write == patched {
					count++
				}
			}
			now := e.now(obj)
			now.Object["spec"].(map[string]any)["template"] = map[string]any{"spec": rehometesting.Apart(source)}
			Expect(e.admin.Update(e.ctx, now)).To(Succeed())
			e.clock.Step(24 * time.Hour)
		}

		Expect(count).To(Equal(3))
	})
})
