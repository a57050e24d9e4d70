package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// besideKubeBlocks12 runs specs beside KubeBlocks 1.2.
func besideKubeBlocks12(text string, specs func(e *env)) bool {
	return Describe(text, func() { beside(rehometesting.V12, specs) })
}

// volumeRestore is a Cluster as KubeBlocks restores it claim by claim: Component and InstanceSet exist at once, and the volumes are
// restored when the scheduler has selected nodes for the database Pods. Its only component is mysql.
type volumeRestore struct {
	cluster, component, set *unstructured.Unstructured
}

// volumeRestore makes such a Cluster, whose rules keep apart from the Pods of the named cluster. start builds the Cluster.
func (e *env) volumeRestore(apartFrom string, start func(*rehometesting.ClusterWrapper)) *volumeRestore {
	GinkgoHelper()
	policy := rehometesting.Apart(apartFrom)
	my1 := rehometesting.MakeCluster(e.generation, e.namespace, source).Component("mysql", rehometesting.Apart(source)).Obj()
	cluster := rehometesting.MakeCluster(e.generation, e.namespace, target).Component("mysql", policy)
	start(cluster)
	v := &volumeRestore{cluster: cluster.Obj()}
	e.create(my1, rehometesting.MakeBackup(e.namespace, backup).Of(my1).Obj(), v.cluster)
	v.component = rehometesting.MakeComponent(v.cluster, "mysql").Policy(policy).Obj()
	e.create(v.component)
	v.set = rehometesting.MakeInstanceSet(e.generation, v.component).Replicas(2).Obj()
	e.create(v.set)
	return v
}

// fromBackup names the Backup as KubeBlocks 1.2 reads it.
func fromBackup(c *rehometesting.ClusterWrapper) { c.RestoredFrom("mysql", backup) }

// pod starts a database Pod with its claim, as the InstanceSet creates it.
func (v *volumeRestore) pod(name string) *rehometesting.PodWrapper {
	return rehometesting.MakeDatabasePod(v.component, name).Pending().Of(v.set).Rules(v.set, "spec", "template", "spec").
		Label(kubeblocks.LabelWorkload, v.set.GetName()).Label(rewrite.LabelPodName, name).Label(kubeblocks.LabelInstanceTemplate, "").
		Claim("data-" + name)
}

// claimOf starts the claim of a database Pod, which is filled from the Backup.
func (e *env) claimOf(pod *corev1.Pod) *rehometesting.ClaimWrapper {
	return rehometesting.MakeClaim(pod).From(e.namespace, backup)
}

// reported returns a condition of the Rehoming.
func (e *env) reported(conditionType string) *metav1.Condition {
	GinkgoHelper()
	return meta.FindStatusCondition(e.rehoming().Status.Conditions, conditionType)
}

var _ = besideKubeBlocks12("A Cluster that KubeBlocks 1.2 restores", func(e *env) {
	const pod0, pod1 = "carrot67-mysql-0", "carrot67-mysql-1"

	It("is rewritten although it has no mark", func() {
		e.volumeRestore(clusterStale, fromBackup)

		e.reconcile()

		Expect(e.writes).To(Equal([]string{"patch Cluster carrot67"}))
	})

	// isLeftAlone expects that nothing is changed, and that all who must know are told that the database starts empty.
	isLeftAlone := func(message string) {
		GinkgoHelper()
		for range 3 {
			e.reconcile()
			Expect(e.writes).To(BeEmpty())
		}
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(SatisfyAll(
			say(metav1.ConditionFalse, v1alpha1.ReasonRestoreIgnored), HaveField("Message", ContainSubstring(message)))))
		Expect(e.reported(v1alpha1.ConditionStalled)).NotTo(BeNil())
		Expect(e.events).To(ConsistOf(HavePrefix("Warning " + v1alpha1.ReasonRestoreIgnored)))
		Expect(e.metric("rehome_clusters", v1alpha1.ReasonRestoreIgnored).GetGauge().GetValue()).To(BeEquivalentTo(1))
	}

	It("is left alone when it names its Backup in the annotation, which KubeBlocks 1.2 does not read", func() {
		v := e.volumeRestore(clusterStale, func(c *rehometesting.ClusterWrapper) {
			c.Annotation(kubeblocks.AnnotationRestoreFromBackup, `{"mysql":{"name":"bp1"}}`)
		})
		pod := v.pod(pod0).Unschedulable(unschedulable).Obj()
		e.create(pod, rehometesting.MakeClaim(pod).Obj())

		isLeftAlone("does not read the annotation kubeblocks.io/restore-from-backup: the Cluster starts empty")

		By("removing the annotation, its owner says that it shall be empty")
		e.merge(v.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`)
		e.reconcile()
		Expect(e.metric("rehome_clusters", v1alpha1.ReasonRestoreIgnored)).To(BeNil())
	})

	It("is left alone when a claim has lost its reference to a Backup in another Namespace", func() {
		v := e.volumeRestore(clusterStale, func(c *rehometesting.ClusterWrapper) { c.Source("backups", backup) })
		pod := v.pod(pod0).Unschedulable(unschedulable).Obj()
		e.create(pod, rehometesting.MakeClaim(pod).From("backups", backup).LostSource().Obj())

		isLeftAlone("Volume claim data-carrot67-mysql-0 has lost its reference to the Backup in Namespace backups")
	})

	It("is left alone until a claim shows whether it keeps its reference to a Backup in another Namespace", func() {
		v := e.volumeRestore(clusterStale, func(c *rehometesting.ClusterWrapper) { c.Source("backups", backup) })

		result := e.reconcile()

		Expect(e.writes).To(BeEmpty())
		Expect(result.RequeueAfter).To(BeNumerically(">", 0))
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(say(metav1.ConditionUnknown, v1alpha1.ReasonWaitingForComponent)))

		By("a claim that lost it")
		pod := v.pod(pod0).Unschedulable(unschedulable).Obj()
		e.create(pod, rehometesting.MakeClaim(pod).From("backups", backup).LostSource().Obj())
		e.reconcile()
		Expect(e.writes).To(BeEmpty())
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(say(metav1.ConditionFalse, v1alpha1.ReasonRestoreIgnored)))
	})

	DescribeTable("reports its database Pods", func(restore string, pods func(v *volumeRestore), want gomegatypes.GomegaMatcher) {
		v := e.volumeRestore(clusterRewritten, fromBackup)
		if restore != "" {
			e.mergeStatus(v.cluster, `{"status":{"conditions":[`+restore+`]}}`)
		}
		pods(v)

		e.reconcile()

		Expect(e.writes).To(BeEmpty())
		Expect(e.reported(v1alpha1.RehomingPodsScheduled)).To(HaveValue(want))
		rehomed := e.reported(v1alpha1.RehomingPodsScheduled).Status == metav1.ConditionTrue
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveField("Reason", Satisfy(func(reason string) bool {
			return (reason == v1alpha1.ReasonRehomed) == rehomed
		})))
	},
		Entry("in the scheduler's words", restoreRunning, func(v *volumeRestore) {
			pod := v.pod(pod0).Unschedulable("0/3 nodes are available: 3 Insufficient cpu.").Obj()
			e.create(pod, e.claimOf(pod).Obj())
		}, SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonUnschedulable), HaveField("Message", ContainSubstring(pod0+": 0/3 nodes are available: 3 Insufficient cpu.")))),
		Entry("with the node where the volume is restored", restoreRunning, func(v *volumeRestore) {
			pod := v.pod(pod0).Obj()
			e.create(pod, e.claimOf(pod).Selected("node1").Obj())
		}, SatisfyAll(say(metav1.ConditionUnknown, v1alpha1.ReasonRestoringVolumes), HaveField("Message", ContainSubstring(pod0+": its volume is being restored on node node1")))),
		Entry("with that node, too, where the scheduler nominates the Pod for it meanwhile", restoreRunning, func(v *volumeRestore) {
			pod := v.pod(pod0).Obj()
			pod.Status.NominatedNodeName = "node1"
			e.create(pod, e.claimOf(pod).Selected("node1").Obj())
		}, SatisfyAll(say(metav1.ConditionUnknown, v1alpha1.ReasonRestoringVolumes), HaveField("Message", ContainSubstring(pod0+": its volume is being restored on node node1")))),
		Entry("without a volume, where claims are bound at once", restoreRunning, func(v *volumeRestore) {
			pod := v.pod(pod0).Unschedulable("0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.").Obj()
			e.create(pod, e.claimOf(pod).Obj())
		}, say(metav1.ConditionFalse, v1alpha1.ReasonVolumeNotBound)),
		Entry("with both", restoreRunning, func(v *volumeRestore) {
			pod, hung := v.pod(pod0).Obj(), v.pod(pod1).Unschedulable(unschedulable).Obj()
			e.create(pod, e.claimOf(pod).Selected("node1").Obj(), hung, e.claimOf(hung).Obj())
		}, SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonUnschedulable), HaveField("Message", SatisfyAll(
			ContainSubstring("2 database Pods have no node"), ContainSubstring("restored on node node1"), ContainSubstring(pod1+": "+unschedulable))))),
		Entry("as running, before there are any", restoreRunning, func(*volumeRestore) {},
			SatisfyAll(say(metav1.ConditionUnknown, v1alpha1.ReasonRestoringVolumes), HaveField("Message", ContainSubstring("1 of 2 volumes")))),
		Entry("as not begun, without the condition Restore", "", func(*volumeRestore) {}, say(metav1.ConditionUnknown, v1alpha1.ReasonNoPods)),
		Entry("as failed", `{"type":"Restore","status":"False","reason":"RestoreFailed","message":"Job failed","lastTransitionTime":"2026-07-01T12:00:00Z"}`,
			func(*volumeRestore) {}, SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonRestoreFailed), HaveField("Message", ContainSubstring("RestoreFailed: Job failed")))),
		Entry("as scheduled", `{"type":"Restore","status":"True","reason":"RestoreCompleted","message":"","lastTransitionTime":"2026-07-01T12:00:00Z"}`,
			func(*volumeRestore) {}, say(metav1.ConditionTrue, v1alpha1.ReasonScheduled)),
	)

	It("stays stale while claims are pinned to one node by the scheduler's choice", func() {
		v := e.volumeRestore(clusterStale, fromBackup)
		node := e.node("n1", "a")
		e.node("n2", "a")
		for _, name := range []string{pod0, pod1} {
			pod := v.pod(name).Unschedulable(unschedulable).Obj()
			e.create(pod, e.claimOf(pod).Selected(node).Obj())
		}

		for range 3 {
			e.reconcile()
			Expect(e.writes).To(BeEmpty())
		}

		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(say(metav1.ConditionFalse, v1alpha1.ReasonVolumesBound)))
	})

	It("stays stale when its volumes were restored in one zone, and the rule wants one Pod per zone", func() {
		my1 := rehometesting.MakeCluster(e.generation, e.namespace, source).Component("mysql", stalePer(corev1.LabelTopologyZone)).Obj()
		cluster := rehometesting.MakeCluster(e.generation, e.namespace, target).Component("mysql", stalePer(corev1.LabelTopologyZone)).
			RestoredFrom("mysql", backup).Obj()
		e.create(my1, rehometesting.MakeBackup(e.namespace, backup).Of(my1).Obj(), cluster)
		e.create(rehometesting.MakeComponent(cluster, "mysql").Policy(stalePer(corev1.LabelTopologyZone)).Obj())
		e.node("n1", "a")
		e.node("n2", "b")
		e.claim(0, corev1.LabelTopologyZone, e.namespace+"-a")
		e.claim(1, corev1.LabelTopologyZone, e.namespace+"-a")

		e.reconcile()

		Expect(e.writes).To(BeEmpty())
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(say(metav1.ConditionFalse, v1alpha1.ReasonVolumesBound)))
	})

	It("is not rewritten while the scheduler binds a Pod, whose volume is restored first", func() {
		v := e.volumeRestore(clusterStale, fromBackup)
		pod := v.pod(pod0).Obj()
		e.create(pod, e.claimOf(pod).Selected(e.node("n1", "a")).Obj())

		e.reconcile()

		Expect(e.writes).To(BeEmpty())
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(say(metav1.ConditionFalse, v1alpha1.ReasonWaitingForScheduler)))
	})

	It("is not rewritten when a claim is pinned after the observation", func() {
		v := e.volumeRestore(clusterStale, fromBackup)
		node := e.node("n1", "a")
		var claims []*corev1.PersistentVolumeClaim
		for _, name := range []string{pod0, pod1} {
			pod := v.pod(name).Unschedulable(unschedulable).Obj()
			claims = append(claims, e.claimOf(pod).Obj())
			e.create(pod, claims[len(claims)-1])
		}
		e.before["get Rehoming 2"] = func() {
			for _, claim := range claims {
				e.merge(claim, `{"metadata":{"annotations":{"volume.kubernetes.io/selected-node":"`+node+`"}}}`)
			}
		}

		e.reconcile()

		Expect(e.before).To(BeEmpty())
		Expect(e.writes).To(BeEmpty())
	})

	DescribeTable("keeps a database Pod whose volume is being restored", func(pin func(claim *corev1.PersistentVolumeClaim), deleted bool) {
		v := e.volumeRestore(clusterRewritten, fromBackup)
		e.merge(v.set, `{"spec":{"instanceUpdateStrategy":{"type":"OnDelete"}}}`)
		stale := rehometesting.MakeInstanceSet(e.generation, rehometesting.MakeComponent(v.cluster, "mysql").Policy(rehometesting.Apart(source)).Obj()).Obj()
		pod := v.pod(pod0).Rules(stale, "spec", "template", "spec").Unschedulable(unschedulable).Obj()
		claim := e.claimOf(pod).Obj()
		e.create(pod, claim)
		pin(claim)

		e.reconcile()

		if deleted {
			Expect(e.writes).To(ContainElement("delete Pod " + pod0))
		} else {
			Expect(e.writes).NotTo(ContainElement("delete Pod " + pod0))
		}
	},
		Entry("before", func(c *corev1.PersistentVolumeClaim) {
			e.merge(c, `{"metadata":{"annotations":{"volume.kubernetes.io/selected-node":"node1"}}}`)
		}, false),
		Entry("from the moment of the delete on", func(c *corev1.PersistentVolumeClaim) {
			e.before["patch Cluster"] = func() {
				e.merge(c, `{"metadata":{"annotations":{"volume.kubernetes.io/selected-node":"node1"}}}`)
			}
		}, false),
		Entry("but no other", func(*corev1.PersistentVolumeClaim) {}, true),
	)
})

// restoreRunning is the condition of a Cluster that is being restored.
const restoreRunning = `{"type":"Restore","status":"Unknown","reason":"RestoreRunning","message":"1 of 2 volumes","lastTransitionTime":"2026-07-01T12:00:00Z"}`
