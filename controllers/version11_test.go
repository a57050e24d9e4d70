package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// besideKubeBlocks11 runs specs beside KubeBlocks 1.1.
func besideKubeBlocks11(text string, specs func(e *env)) bool {
	return Describe(text, func() { beside(rehometesting.V11, specs) })
}

var _ = besideKubeBlocks11("A rule of an instance template", func(e *env) {
	// templated makes carrot67 with one component, whose rule names carrot67, and whose template hot has a stale rule. One Pod runs.
	templated := func(running string) {
		GinkgoHelper()
		spec := func(own string) map[string]any {
			return map[string]any{"componentSpecs": []any{map[string]any{
				"name": "mysql", "flatInstanceOrdinal": true, "replicas": int64(2), "schedulingPolicy": rehometesting.Apart(own),
				"instances": []any{map[string]any{"name": "hot", "replicas": int64(1), "schedulingPolicy": rehometesting.Apart(source)}},
			}}}
		}
		my1 := rehometesting.MakeCluster(e.generation, e.namespace, source).Spec(spec(source)).Obj()
		cluster := rehometesting.MakeCluster(e.generation, e.namespace, target).Spec(spec(target)).RestoredFrom("mysql", backup).Obj()
		e.create(my1, rehometesting.MakeBackup(e.namespace, backup).Of(my1).Obj(), cluster)
		component := rehometesting.MakeComponent(cluster, "mysql").Policy(rehometesting.Apart(target)).Obj()
		e.create(component)
		for name, template := range map[string]string{"carrot67-mysql-0": "", "carrot67-mysql-1": "hot"} {
			pod := e.databasePod(component, name).Label(kubeblocks.LabelInstanceTemplate, template)
			if name == running {
				pod.OnNode("node1")
			} else {
				pod.Unschedulable(unschedulable)
			}
			e.create(pod.Obj())
		}
	}

	It("is not rewritten while its Pod runs, although ordinals are flat", func() {
		templated("carrot67-mysql-1")

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement("patch Cluster carrot67"))
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(say(metav1.ConditionFalse, v1alpha1.ReasonClusterStarted)))
	})

	It("is rewritten while a Pod of another template runs", func() {
		templated("carrot67-mysql-0")

		e.reconcile()

		Expect(e.writes).To(ContainElement("patch Cluster carrot67"))
	})
})

var _ = besideVersionsWithRestores("A database Pod", func(e *env) {
	It("is reported when the scheduler refuses it after its volume was restored", func() {
		h := e.stuckRestore(clusterRewritten)
		e.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)
		e.create(e.databasePod(h.component, "carrot67-mysql-0").Unschedulable("0/3 nodes are available: 3 node(s) had volume node affinity conflict.").Obj())

		e.reconcile()

		Expect(e.reported(v1alpha1.RehomingPodsScheduled)).To(HaveValue(SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonUnschedulable),
			HaveField("Message", ContainSubstring("1 database Pods have no node. carrot67-mysql-0: 0/3 nodes are available")))))
		Expect(e.reported(v1alpha1.ConditionReady).Status).To(Equal(metav1.ConditionFalse))
	})
})

var _ = besideVersionsWithRestores("A Restore beside one that has finished", func(e *env) {
	// unfinished makes a stuck Restore, and returns its Job.
	unfinished := func() (*stuckRestore, *batchv1.Job) {
		GinkgoHelper()
		h := e.stuckRestore(clusterRewritten)
		e.remove(h.pod, h.job)
		job := rehometesting.MakeJob(h.restore, "restore-preparedata-hot").Claim("data-carrot67-mysql-hot-0").Obj()
		e.create(job)
		e.create(rehometesting.MakeRestorePod(h.restore, "restore-preparedata-hot-x7k2p").Of(job).Unschedulable(unschedulable).Obj())
		return h, job
	}

	// Nodes of other specs would be room for the Pods.
	It("is left alone where the other volumes are on every node, and says so", Serial, func() {
		Expect(e.admin.DeleteAllOf(e.ctx, &corev1.Node{})).To(Succeed())
		h, _ := unfinished()
		for i, name := range []string{"n1", "n2"} {
			e.claim(i, corev1.LabelHostname, e.node(name, "a"))
		}

		e.reconcile()

		Expect(e.writes).To(ConsistOf("patch status of Restore " + h.restore.GetName()))
		Expect(e.condition(h.restore)).To(SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonVolumesBound),
			HaveField("Message", ContainSubstring("other volumes of the database are in every domain: "+corev1.LabelHostname+"="))))
	})

	It("keeps its Pods off the nodes of the other's volumes, because no Pod does", func() {
		h, job := unfinished()
		taken := e.node("n1", "a")
		e.node("n2", "a")
		e.claim(0, corev1.LabelHostname, taken)

		e.reconcile()
		Expect(e.writes).To(ContainElement("patch Restore " + h.restore.GetName()))
		Expect(e.condition(h.restore)).To(BeNil())
		e.reconcile()

		rules, _, err := unstructured.NestedMap(e.now(h.restore).Object, "spec", "prepareDataConfig", "schedulingSpec", "affinity")
		Expect(err).NotTo(HaveOccurred())
		Expect(rules["podAntiAffinity"]).To(Equal(rehometesting.Apart(target)["affinity"].(map[string]any)["podAntiAffinity"]))
		Expect(rules["nodeAffinity"]).To(Equal(map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": map[string]any{
			"nodeSelectorTerms": []any{map[string]any{"matchExpressions": []any{
				map[string]any{"key": corev1.LabelHostname, "operator": "NotIn", "values": []any{taken}},
			}}},
		}}))

		e.reconcile()
		Expect(e.writes).To(ContainElement("delete Job " + job.Name))
	})
})

// completed creates the Component mysql, and up to KubeBlocks 1.1 its Restore, which has completed.
func (e *env) completed(cluster *unstructured.Unstructured, policy map[string]any) {
	GinkgoHelper()
	if e.generation.Served().OnlyV1 {
		e.create(rehometesting.MakeComponent(cluster, "mysql").Policy(policy).Obj())
		return
	}
	_, restore := e.restoring(cluster, "mysql", policy, policy)
	e.mergeStatus(restore, `{"status":{"phase":"Completed"}}`)
}

var _ = besideEachVersion("A rule per zone", func(e *env) {
	It("stays stale when the volumes are in one zone", func() {
		perZone := stalePer(corev1.LabelTopologyZone)
		my1 := rehometesting.MakeCluster(e.generation, e.namespace, source).Component("mysql", perZone).Obj()
		cluster := rehometesting.MakeCluster(e.generation, e.namespace, target).Component("mysql", perZone).RestoredFrom("mysql", backup).Obj()
		e.create(my1, rehometesting.MakeBackup(e.namespace, backup).Of(my1).Obj(), cluster)
		e.completed(cluster, perZone)
		e.node("n1", "a")
		e.node("n2", "b")
		e.claim(0, corev1.LabelTopologyZone, e.namespace+"-a")
		e.claim(1, corev1.LabelTopologyZone, e.namespace+"-a")

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement("patch Cluster carrot67"))
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(say(metav1.ConditionFalse, v1alpha1.ReasonVolumesBound)))
	})
})

var _ = besideKubeBlocks11("A restore that KubeBlocks was upgraded to 1.2 during", func(e *env) {
	upgrade := func() { e.reconciler.Served = rehometesting.V12().Served() }

	It("is no alarm where it had ended, and Git adds the annotation again", func() {
		h := e.stuckRestore(clusterRewritten)
		e.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)
		e.create(e.databasePod(h.component, "carrot67-mysql-0").OnNode("node1").Obj())
		e.reconcile()
		ready := e.reported(v1alpha1.ConditionReady)
		Expect(ready).To(HaveValue(HaveField("Status", metav1.ConditionTrue)))

		upgrade()
		e.reconcile()

		Expect(e.writes).To(BeEmpty())
		Expect(e.reported(v1alpha1.ConditionReady)).To(Equal(ready))
	})

	It("is left alone where it had not, and the message says who began it", func() {
		e.stuckRestore(clusterStale)

		upgrade()
		e.reconcile()

		Expect(e.writes).To(ConsistOf(HavePrefix("patch status of Restore ")))
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(SatisfyAll(
			say(metav1.ConditionFalse, v1alpha1.ReasonRestoreIgnored), HaveField("Message", HavePrefix("An older KubeBlocks began this restore.")))))
	})
})
