package controllers_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

var _ = besideVersionsWithRestores("The database of a restored Cluster", func(e *env) {
	const rewritten = "patch Cluster carrot67"

	// databases are Pods of both components.
	databases := func(h *stuckRestore, change func(*rehometesting.PodWrapper)) {
		GinkgoHelper()
		for _, component := range []string{"mysql", "proxy"} {
			pod := e.databasePod(e.componentOf(h, component), "carrot67-"+component+"-0")
			change(pod)
			e.create(pod.Obj())
		}
	}

	DescribeTable("holds a rewrite back", func(change func(*rehometesting.PodWrapper), reason string) {
		h := e.stuckRestore(clusterStale)
		databases(h, change)

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement(rewritten))
		Expect(e.condition(h.restore)).To(say(metav1.ConditionFalse, reason))
	},
		Entry("when it is bound", func(p *rehometesting.PodWrapper) { p.OnNode("node1") }, v1alpha1.ReasonClusterStarted),
		Entry("when the scheduler has not decided on it", func(*rehometesting.PodWrapper) {}, v1alpha1.ReasonWaitingForScheduler),
		Entry("when the scheduler makes room for it", func(p *rehometesting.PodWrapper) {
			p.Unschedulable(unschedulable)
			p.Obj().Status.NominatedNodeName = "node1"
		}, v1alpha1.ReasonWaitingForScheduler),
		Entry("when an Instance of KubeBlocks 1.1 controls it", func(p *rehometesting.PodWrapper) {
			owner := &p.OnNode("node1").Obj().OwnerReferences[0]
			p.Obj().Labels[kubeblocks.LabelWorkload] = owner.Name
			owner.Kind, owner.Name, owner.UID = "Instance", p.Obj().Name, "instance-uid"
		}, v1alpha1.ReasonClusterStarted),
	)

	DescribeTable("does not hold a rewrite back", func(change func(*rehometesting.PodWrapper)) {
		h := e.stuckRestore(clusterStale)
		databases(h, change)

		e.reconcile()

		Expect(e.writes).To(ContainElement(rewritten))
	},
		Entry("when no node fits", func(p *rehometesting.PodWrapper) { p.Unschedulable(unschedulable) }),
		Entry("when it has ended", func(p *rehometesting.PodWrapper) { p.OnNode("node1").Obj().Status.Phase = corev1.PodSucceeded }),
		Entry("when it has failed", func(p *rehometesting.PodWrapper) { p.OnNode("node1").Obj().Status.Phase = corev1.PodFailed }),
	)

	DescribeTable("does not include Pods of others", func(change func(*corev1.Pod)) {
		h := e.stuckRestore(clusterStale)
		for _, component := range []string{"mysql", "proxy"} {
			pod := rehometesting.MakeDatabasePod(e.componentOf(h, component), "carrot67-"+component+"-0").OnNode("node1").Obj()
			change(pod)
			e.create(pod)
		}

		e.reconcile()

		Expect(e.now(h.cluster).Object["spec"]).To(Equal(e.cluster(target, target).Obj().Object["spec"]))
	},
		Entry("although they have its labels", func(*corev1.Pod) {}),
		Entry("although a Helm release has its name", func(p *corev1.Pod) {
			p.Labels = map[string]string{kubeblocks.LabelInstance: target, kubeblocks.LabelManagedBy: "Helm"}
		}),
		Entry("although an InstanceSet controls them, because it is not the Cluster's", func(p *corev1.Pod) {
			p.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(p, e.generation.Workloads().WithKind("InstanceSet"))}
			p.OwnerReferences[0].UID = "another-uid"
		}),
	)

	It("has its InstanceSets listed once, however many Pods it has", func() {
		h := e.stuckRestore(clusterStale)
		databases(h, func(p *rehometesting.PodWrapper) { p.Unschedulable(unschedulable) })
		e.reconciler.Config.Mode = "Observe"

		e.reconcile()

		Expect(e.reads["list InstanceSetList"]).To(Equal(1))
	})

	It("holds a rewrite back when it is bound after the observation", func() {
		h := e.stuckRestore(clusterStale)
		databases(h, func(p *rehometesting.PodWrapper) { p.Unschedulable(unschedulable) })
		e.before["get Rehoming 2"] = func() {
			e.create(e.databasePod(h.component, "carrot67-mysql-1").OnNode("node1").Obj())
		}

		result := e.reconcile()

		Expect(e.before).To(BeEmpty())
		Expect(e.writes).To(BeEmpty())
		Expect(result.RequeueAfter).To(Equal(250 * time.Millisecond))

		e.reconcile()
		Expect(e.now(h.cluster).Object["spec"]).To(Equal(rehometesting.MakeCluster(e.generation, e.namespace, target).
			Component("mysql", rehometesting.Apart(source)).Component("proxy", rehometesting.Apart(target)).Obj().Object["spec"]))
	})

	DescribeTable("has a Pod without a node re-created", func(nominated string, deleted bool) {
		h := e.stuckRestore(clusterRewritten)
		e.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)
		set := rehometesting.MakeInstanceSet(e.generation, h.component).Replicas(1).OnDelete().Obj()
		e.create(set)
		pod := rehometesting.MakeDatabasePod(h.component, "carrot67-mysql-0").Of(set).
			Rules(rehometesting.MakeInstanceSet(e.generation, rehometesting.MakeComponent(h.cluster, "mysql").Policy(rehometesting.Apart(source)).Obj()).Obj(), "spec", "template", "spec").
			Unschedulable(unschedulable).Obj()
		pod.Status.NominatedNodeName = nominated
		e.create(pod)

		e.reconcile()

		if deleted {
			Expect(e.writes).To(ContainElement("delete Pod carrot67-mysql-0"))
		} else {
			Expect(e.writes).NotTo(ContainElement("delete Pod carrot67-mysql-0"))
		}
	},
		Entry("when KubeBlocks does not", "", true),
		Entry("but not while the scheduler makes room for it", "node1", false),
	)
})

var _ = besideVersionsWithRestores("The Jobs of a Restore", func(e *env) {
	It("are those that it controls: another one with its label is never deleted", func() {
		h := e.stuckRestore(clusterRewritten)
		e.create(rehometesting.MakeRestorePod(h.restore, "bound").OnNode("node1").Obj())
		foreign := rehometesting.MakeJob(h.restore, "foreign").Obj()
		foreign.OwnerReferences = nil
		e.create(foreign)
		e.create(rehometesting.MakeRestorePod(h.restore, "foreign-x7k2p").Of(foreign).Unschedulable(unschedulable).Obj())

		var writes []string
		for range 5 {
			e.reconcile()
			writes = append(writes, e.writes...)
		}

		Expect(writes).To(ContainElement("delete Job " + h.job.Name))
		Expect(writes).NotTo(ContainElement(HaveSuffix("Job foreign")))
	})

	It("have an event each, when several are deleted at once", func() {
		h := e.stuckRestore(clusterRewritten)
		started := rehometesting.MakeJob(h.restore, "restore-preparedata-1").Obj()
		e.create(started)
		e.create(rehometesting.MakeRestorePod(h.restore, "restore-preparedata-1-x7k2p").Of(started).OnNode("node1").Obj())
		other, _ := e.stuckJob(h.restore, "restore-preparedata-2")

		for range 3 {
			e.reconcile()
		}

		for _, job := range []*batchv1.Job{h.job, other} {
			Expect(e.events).To(ContainElement(HavePrefix("Normal JobsRecreated Deleted Job " + job.Name + " ")))
		}
	})

	It("hold a Restore back although they are labelled only, because KubeBlocks would delete them with it", func() {
		h := e.stuckRestore(clusterRewritten)
		foreign := rehometesting.MakeJob(h.restore, "foreign").Obj()
		foreign.OwnerReferences = nil
		e.create(foreign)
		e.create(rehometesting.MakeRestorePod(h.restore, "foreign-x7k2p").Of(foreign).OnNode("node1").Obj())

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement("delete Restore " + h.restore.GetName()))
	})

	It("are found although the Restore's name is longer than a label's value", func() {
		h := e.stuckRestore(clusterRewritten)
		long := rehometesting.MakeRestore(e.namespace, "analytics-prod-eu-west-clickhouse-keeper-1a2b3c4d-preparedata-ssd").
			Of(h.component).Backup(backup).Stale(source).Obj()
		e.create(long)
		job := rehometesting.MakeJob(long, "restore-preparedata-1").Obj()
		delete(job.Labels, kubeblocks.LabelRestore)
		delete(job.Spec.Template.Labels, kubeblocks.LabelRestore)
		e.create(job)
		pod := rehometesting.MakeRestorePod(long, "restore-preparedata-1-x7k2p").Of(job).Unschedulable(unschedulable).Obj()
		delete(pod.Labels, kubeblocks.LabelRestore)
		e.create(pod)

		e.reconcile()
		e.reconcile()

		Expect(e.now(h.restore).GetDeletionTimestamp()).NotTo(BeNil())
		Expect(e.now(long).GetDeletionTimestamp()).NotTo(BeNil())
	})

	It("are listed once, however many Restores there are", func() {
		h := e.stuckRestore(clusterStale)
		for _, suffix := range []string{"a", "b", "c"} {
			restore := rehometesting.MakeRestore(e.namespace, h.restore.GetName()+"-"+suffix).Of(h.component).Backup(backup).Stale(source).Obj()
			e.create(restore)
			e.stuckJob(restore, "restore-preparedata-"+suffix)
		}
		e.reconciler.Config.Mode = "Observe"

		e.reconcile()

		Expect(e.reads["list JobList"]).To(Equal(1))
		Expect(e.reads["list PodList"]).To(Equal(2), "one is of the cache")
		Expect(e.reads["list InstanceSetList"]).To(BeZero(), "no Pod can be the database")
	})

	It("can be on their way: a Restore without any is not deleted", func() {
		h := e.stuckRestore(clusterRewritten)
		e.remove(h.pod, h.job)

		e.reconcile()
		e.reconcile()
		Expect(e.condition(h.restore)).To(SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonWaitingForScheduler),
			HaveField("Message", ContainSubstring("not created Jobs yet"))))
		Expect(e.now(h.restore).GetDeletionTimestamp()).To(BeNil())

		e.stuckJob(h.restore, "restore-preparedata-1")
		e.reconcile()
		Expect(e.now(h.restore).GetDeletionTimestamp()).NotTo(BeNil())
	})

	It("count as started when the Job controller has yet to count a Pod", func() {
		h := e.stuckRestore(clusterRewritten)
		e.mergeStatus(h.job, `{"status":{"uncountedTerminatedPods":{"failed":["pod-that-wrote"]}}}`)

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement(HavePrefix("delete")))
		Expect(e.condition(h.restore)).To(say(metav1.ConditionFalse, v1alpha1.ReasonRestoreStarted))
	})

	It("are not deleted while the scheduler makes room for a Pod", func() {
		h := e.stuckRestore(clusterRewritten)
		e.mergeStatus(h.pod, `{"status":{"nominatedNodeName":"node1"}}`)

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement(HavePrefix("delete")))
		Expect(e.condition(h.restore)).To(SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonWaitingForScheduler),
			HaveField("Message", ContainSubstring("to bind Pod "+h.pod.Name+" to node node1"))))
	})
})

var _ = besideKubeBlocks("A Job with the rules that its Restore had before", func(e *env) {
	var h *stuckRestore
	BeforeEach(func() {
		h = e.stuckRestore(clusterRewritten)
		// In two steps, because rules are immutable.
		for _, rules := range []any{nil, rehometesting.Apart(target)} {
			e.merge(h.restore, `{"spec":{"prepareDataConfig":{"schedulingSpec":`+asJSON(rules)+`}}}`)
		}
	})

	It("is kept when its Pod is bound before KubeBlocks' finalizer is removed", func() {
		e.before["patch Job"] = func() {
			Expect(e.admin.SubResource("binding").Create(e.ctx, h.pod.DeepCopy(), bindingTo("node1"))).To(Succeed())
		}

		Expect(e.reconcile().RequeueAfter).To(Equal(250 * time.Millisecond))

		Expect(e.before).To(BeEmpty())
		Expect(e.writes).NotTo(ContainElement(HavePrefix("delete")))
	})

	It("loses KubeBlocks' finalizer when somebody else deletes it", func() {
		Expect(e.admin.Delete(e.ctx, h.job, client.PropagationPolicy(metav1.DeletePropagationBackground))).To(Succeed())

		e.reconcile()

		Expect(e.admin.Get(e.ctx, client.ObjectKeyFromObject(h.job), &batchv1.Job{})).To(MatchError(apierrors.IsNotFound, "IsNotFound"))
	})
})
