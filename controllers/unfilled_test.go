package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// As on local disks: the first volume is restored, and its node could be taken by a Pod whose volume is not.
var _ = besideVersionsWithRestores("A stale rule of a Cluster whose first volume is restored, and whose second is stuck", func(e *env) {
	var h *stuckRestore
	var first, third string

	BeforeEach(func() {
		h = e.stuckRestore(clusterStale)
		e.remove(h.pod, h.job)
		first = e.node("n1", "a")
		e.node("n2", "b")
		third = e.node("n3", "c")
		for name, node := range map[string]string{"mysql-0": first, "mysql-1": ""} {
			job := rehometesting.MakeJob(h.restore, "restore-preparedata-"+name).Claim("data-carrot67-" + name).Obj()
			e.create(job)
			pod := rehometesting.MakeRestorePod(h.restore, job.Name+"-x7k2p").Of(job).Unschedulable(unschedulable)
			if node != "" {
				pod.OnNode(node)
			}
			e.create(pod.Obj())
			e.boundClaim("mysql", name, localVolume(corev1.LabelHostname, node))
		}
	})

	rule := func() any {
		GinkgoHelper()
		specs, _, err := unstructured.NestedSlice(e.now(h.cluster).Object, "spec", "componentSpecs")
		Expect(err).NotTo(HaveOccurred())
		return specs[0].(map[string]any)["schedulingPolicy"]
	}
	staysStale := func(reason string) {
		GinkgoHelper()
		for range 3 {
			e.reconcile()
			Expect(rule()).To(Equal(rehometesting.Apart(source)))
		}
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(say(metav1.ConditionFalse, reason)))
	}

	isRewritten := func() {
		GinkgoHelper()
		e.reconcile()
		Expect(rule()).To(Equal(rehometesting.Apart(target)))

		e.merge(h.component, `{"spec":`+asJSON(map[string]any{"schedulingPolicy": rehometesting.Apart(target)})+`}`)
		e.reconcile()
		e.reconcile()

		affinity, _, err := unstructured.NestedMap(e.now(h.restore).Object, "spec", "prepareDataConfig", "schedulingSpec", "affinity")
		Expect(err).NotTo(HaveOccurred())
		Expect(affinity).To(HaveKeyWithValue("nodeAffinity", map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": map[string]any{
			"nodeSelectorTerms": []any{map[string]any{"matchExpressions": []any{
				map[string]any{"key": corev1.LabelHostname, "operator": "NotIn", "values": []any{first}},
			}}},
		}}))
	}

	It("is rewritten, and the second restore Pod keeps off the first volume", func() { isRewritten() })

	It("is rewritten, and the second restore Pod keeps off the first volume, beside a component that stays stale because it runs", func() {
		proxy := rehometesting.MakeComponent(h.cluster, "proxy").Policy(rehometesting.Apart(source)).Obj()
		e.create(e.databasePod(proxy, "carrot67-proxy-0").OnNode(third).Obj())

		isRewritten()
	})

	It("is rewritten beside a rule of the whole Cluster that stays stale, because no Pod of this component has it", func() {
		e.merge(h.cluster, `{"spec":`+asJSON(map[string]any{"schedulingPolicy": rehometesting.Apart(source)})+`}`)
		proxy := rehometesting.MakeComponent(h.cluster, "proxy").Policy(rehometesting.Apart(source)).Obj()
		e.create(e.databasePod(proxy, "carrot67-proxy-0").OnNode(third).Obj())

		isRewritten()
		ofCluster, _, err := unstructured.NestedMap(e.now(h.cluster).Object, "spec", "schedulingPolicy")
		Expect(err).NotTo(HaveOccurred())
		Expect(ofCluster).To(Equal(rehometesting.Apart(source)))
	})

	It("stays when the Restore is serial, because a later Job can take the node of an earlier one", func() {
		e.merge(h.restore, `{"spec":{"prepareDataConfig":{"volumeClaimRestorePolicy":"Serial"}}}`)

		staysStale(v1alpha1.ReasonVolumesBound)
	})

	It("stays when the second restore Pod is bound, because nothing keeps it off any more", func() {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "restore-preparedata-mysql-1-x7k2p"}}
		Expect(e.admin.SubResource("binding").Create(e.ctx, pod, bindingTo(first))).To(Succeed())

		staysStale(v1alpha1.ReasonSpreadLost)
	})
})
