package controllers_test

import (
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// nearMysql wants a Pod in the zone of a cluster's mysql.
func nearMysql(cluster string) map[string]any {
	return map[string]any{"affinity": map[string]any{"podAffinity": map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": []any{map[string]any{
		"topologyKey":   corev1.LabelTopologyZone,
		"labelSelector": map[string]any{"matchLabels": map[string]any{kubeblocks.LabelInstance: cluster, kubeblocks.LabelComponentName: "mysql"}},
	}}}}}
}

var selectsNodes = map[string]any{"nodeSelector": map[string]any{"disk": "ssd"}}

// mysql-0 waits, because a Pod of my1 is on the node of its volume. Once that has left, the stale rule lets it run beside proxy-0.
var _ = besideVersionsWithRestores("A stale rule, beside a running Pod on the node of a volume,", func(e *env) {
	var cluster, restore *unstructured.Unstructured
	var first string
	prepare := func(ofProxy map[string]any, proxyOn string) {
		GinkgoHelper()
		spec := map[string]any{"schedulingPolicy": rehometesting.Apart(source), "componentSpecs": []any{
			map[string]any{"name": "mysql"}, map[string]any{"name": "proxy", "schedulingPolicy": ofProxy},
		}}
		my1 := e.cluster(source, source).Spec(spec).Obj()
		cluster = e.cluster(target, source).Spec(spec).RestoredFrom("mysql", backup).Obj()
		e.create(my1)
		e.create(rehometesting.MakeBackup(e.namespace, backup).Of(my1).Obj(), cluster)
		var mysql *unstructured.Unstructured
		mysql, restore = e.restoring(cluster, "mysql", rehometesting.Apart(source), rehometesting.Apart(source))
		e.mergeStatus(restore, `{"status":{"phase":"Completed"}}`)
		proxy := rehometesting.MakeComponent(cluster, "proxy").Policy(ofProxy).Obj()
		e.create(proxy)
		for _, component := range []*unstructured.Unstructured{mysql, proxy} {
			e.merge(component, `{"spec":{"replicas":1}}`)
		}
		first = e.node("n1", "a")
		nodes := map[string]string{"n1": first, "n2": e.node("n2", "a")}
		e.boundClaim("mysql", "mysql-0", localVolume(corev1.LabelHostname, first))
		runs := e.databasePod(proxy, "carrot67-proxy-0").Pending()
		if proxyOn != "" {
			runs.OnNode(nodes[proxyOn])
		}
		e.create(runs.Obj())
		e.create(e.databasePod(mysql, "carrot67-mysql-0").Unschedulable(unschedulable).Obj())
	}
	ruleOfCluster := func() map[string]any {
		GinkgoHelper()
		for range 3 {
			e.reconcile()
		}
		policy, _, err := unstructured.NestedMap(e.now(cluster).Object, "spec", "schedulingPolicy")
		Expect(err).NotTo(HaveOccurred())
		return policy
	}

	DescribeTable("stays, because the running Pod would keep the other off", func(ofProxy map[string]any) {
		prepare(ofProxy, "n1")

		Expect(ruleOfCluster()).To(Equal(rehometesting.Apart(source)))
		Expect(e.condition(restore)).To(SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonVolumesBound),
			HaveField("Message", And(ContainSubstring("Pod carrot67-mysql-0 could only run where database Pods run"), ContainSubstring(first)))))
	},
		Entry("under a stale rule of its own", nearMysql(source)),
		Entry("under a rule about no cluster", selectsNodes),
	)

	It("stays, also where the Pod is bound right before the write", func() {
		prepare(selectsNodes, "")
		e.before["list PersistentVolumeClaimList 2"] = func() {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "carrot67-proxy-0"}}
			Expect(e.admin.SubResource("binding").Create(e.ctx, pod, bindingTo(first))).To(Succeed())
		}

		Expect(ruleOfCluster()).To(Equal(rehometesting.Apart(source)))
		Expect(e.before).To(BeEmpty())
	})

	It("is rewritten where the Pod runs on another node", func() {
		prepare(nearMysql(source), "n2")

		Expect(ruleOfCluster()).To(Equal(rehometesting.Apart(target)))
	})
})

// A proof for thousands of nodes uses up the budget of the Namespace.
var _ = inMemory("A rewrite in a large cluster", func(e *env) {
	It("is followed by the replacement of its Restore's rules at once", func() {
		h := e.stuckRestore(clusterStale)
		e.remove(h.pod, h.job)
		first := e.node("n1", "a")
		for i := range 5000 {
			e.node(fmt.Sprint("other", i), "b")
		}
		for name, node := range map[string]string{"mysql-0": first, "mysql-1": ""} {
			job := rehometesting.MakeJob(h.restore, "restore-preparedata-"+name).Claim("data-carrot67-" + name).Obj()
			e.create(job)
			pod := rehometesting.MakeRestorePod(h.restore, job.Name+"-x7k2p").Of(job)
			if node != "" {
				pod.OnNode(node)
			}
			e.create(pod.Obj())
			e.boundClaim("mysql", name, localVolume(corev1.LabelHostname, node))
		}
		for range 4 { // until the scheduler has decided
			e.reconcile()
		}
		pod := rehometesting.MakeRestorePod(h.restore, "restore-preparedata-mysql-1-x7k2p").Unschedulable(unschedulable).Obj()
		e.mergeStatus(pod, `{"status":`+asJSON(pod.Status)+`}`)
		reconcileUntil := func(write string) {
			GinkgoHelper()
			for range 20 {
				result := e.reconcile()
				if slices.Contains(e.writes, write) {
					return
				}
				e.clock.Step(result.RequeueAfter)
			}
			Fail("there was no " + write)
		}
		reconcileUntil("patch Cluster carrot67")
		begun := e.clock.Now()

		e.merge(h.component, `{"spec":`+asJSON(map[string]any{"schedulingPolicy": rehometesting.Apart(target)})+`}`)
		reconcileUntil("patch Restore " + h.restore.GetName())

		Expect(e.clock.Since(begun)).To(BeNumerically("<", 2*time.Second))
	})
})
