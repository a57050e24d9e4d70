package controllers_test

import (
	"errors"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

var _ = besideKubeBlocks("A Restore with stale rules", func(e *env) {
	It("is deleted when nothing of it ever started", func() {
		h := e.stuckRestore(clusterRewritten)

		e.reconcile()

		Expect(e.writes).To(ContainElement("delete Restore " + h.restore.GetName()))
	})

	DescribeTable("is never deleted", func(change func(h *stuckRestore), reason string) {
		h := e.stuckRestore(clusterRewritten)
		change(h)

		for range 3 {
			e.reconcile()
			Expect(e.writes).NotTo(ContainElement(HavePrefix("delete")))
		}

		Expect(e.now(h.restore).GetDeletionTimestamp()).To(BeNil())
		Expect(e.condition(h.restore)).To(say(metav1.ConditionFalse, reason))
		Expect(e.events).To(BeEmpty())
	},
		Entry("when all of it has started", func(h *stuckRestore) {
			e.create(rehometesting.MakeRestorePod(h.restore, "bound").Of(h.job).OnNode("node1").Obj())
		}, v1alpha1.ReasonRestoreStarted),
		Entry("when it completed, and its database runs", func(h *stuckRestore) {
			h.cluster.Object["spec"] = e.cluster(target, source).Obj().Object["spec"]
			Expect(e.admin.Update(e.ctx, h.cluster)).To(Succeed())
			e.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)
			for _, component := range []string{"mysql", "proxy"} {
				pod := e.databasePod(e.componentOf(h, component), "carrot67-"+component+"-0")
				e.create(pod.OnNode("node1").Obj())
			}
		}, v1alpha1.ReasonClusterStarted),
		Entry("when it failed", func(h *stuckRestore) {
			e.mergeStatus(h.restore, `{"status":{"phase":"Failed"}}`)
		}, v1alpha1.ReasonRestoreFailed),
		Entry("while its Component carries old rules", func(h *stuckRestore) {
			h.component.Object["spec"] = map[string]any{"schedulingPolicy": rehometesting.Apart(source)}
			Expect(e.admin.Update(e.ctx, h.component)).To(Succeed())
		}, v1alpha1.ReasonWaitingForComponent),
	)

	DescribeTable("is not deleted before the scheduler has refused all of its Pods", func(change func(h *stuckRestore)) {
		h := e.stuckRestore(clusterRewritten)
		change(h)

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement(HavePrefix("delete")))
		Expect(e.condition(h.restore)).To(say(metav1.ConditionFalse, v1alpha1.ReasonWaitingForScheduler))
	},
		Entry("when it has not decided on a Pod", func(h *stuckRestore) {
			e.create(rehometesting.MakeRestorePod(h.restore, "new").Obj())
		}),
		Entry("when a Job has no Pod yet", func(h *stuckRestore) {
			e.create(rehometesting.MakeJob(h.restore, "restore-preparedata-1").Obj())
		}),
	)

	It("is not deleted when a Pod is created between the observation and the delete", func() {
		h := e.stuckRestore(clusterRewritten)
		e.before["patch Cluster"] = func() { e.create(rehometesting.MakeRestorePod(h.restore, "new").Obj()) }

		result := e.reconcile()

		Expect(e.before).To(BeEmpty(), "the attempt was counted")
		Expect(e.writes).NotTo(ContainElement(HavePrefix("delete")))
		Expect(result.RequeueAfter).To(BeNumerically(">", 0))
	})

	It("is never deleted when it completed", func() {
		h := e.stuckRestore(clusterRewritten)
		e.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)

		e.reconcile()

		Expect(e.writes).To(ConsistOf("patch status of Restore " + h.restore.GetName()))
		Expect(e.condition(h.restore)).To(say(metav1.ConditionTrue, v1alpha1.ReasonRestoreFinished))
	})

	DescribeTable("gets the rewritten rules, and only its Jobs that never started are deleted", func(change func(h *stuckRestore)) {
		h := e.stuckRestore(clusterRewritten)
		change(h)

		var writes []string
		for range 4 {
			e.reconcile()
			writes = append(writes, e.writes...)
		}

		Expect(writes).To(ContainElements("patch Restore "+h.restore.GetName(), "patch Job "+h.job.Name))
		writes = slices.DeleteFunc(writes, func(write string) bool { return !strings.HasPrefix(write, "delete") })
		Expect(writes).To(ConsistOf("delete Job " + h.job.Name))
		Expect(e.condition(h.restore)).To(SatisfyAll(say(metav1.ConditionTrue, v1alpha1.ReasonRehomed),
			HaveField("Message", ContainSubstring("Jobs of the Restore had not started and were re-created"))))
		Expect(field(e.now(h.restore).Object, "spec", "prepareDataConfig", "schedulingSpec")).To(Equal(rehometesting.Apart(target)))
	},
		Entry("when one of its Pods is bound to a node", func(h *stuckRestore) {
			e.create(rehometesting.MakeRestorePod(h.restore, "bound").OnNode("node1").Obj())
		}),
		Entry("when a kubelet has started one of its Pods", func(h *stuckRestore) {
			e.create(rehometesting.MakeRestorePod(h.restore, "started").Started(metav1.NewTime(today)).Obj())
		}),
		Entry("when a kubelet has seen a container of one of its Pods", func(h *stuckRestore) {
			e.create(rehometesting.MakeRestorePod(h.restore, "creating").ContainerWaiting().Obj())
		}),
		Entry("when one of its Jobs counts a Pod that succeeded", func(h *stuckRestore) {
			e.create(rehometesting.MakeJob(h.restore, "restore-preparedata-1").Succeeded().Obj())
		}),
		Entry("when one of its Jobs counts a Pod that failed", func(h *stuckRestore) {
			e.create(rehometesting.MakeJob(h.restore, "restore-preparedata-1").Failed().Obj())
		}),
		Entry("when one of its actions completed", func(h *stuckRestore) {
			e.mergeStatus(h.restore, `{"status":{"phase":"Running","actions":{"prepareData":[{"objectKey":"Job/restore-preparedata-1","status":"Completed"}]}}}`)
		}),
		Entry("when one of its actions failed", func(h *stuckRestore) {
			e.mergeStatus(h.restore, `{"status":{"phase":"Running","actions":{"prepareData":[{"objectKey":"Job/restore-preparedata-1","status":"Failed"}]}}}`)
		}),
	)

	DescribeTable("is never deleted when it is unknown what started", func(list string) {
		h := e.stuckRestore(clusterRewritten)
		down := errors.New("the API server is down")
		e.refused[list] = down

		_, err := e.tryReconcile()

		Expect(err).To(MatchError(down))
		Expect(e.writes).To(BeEmpty())
		Expect(e.now(h.restore).GetDeletionTimestamp()).To(BeNil())
	}, Entry("because its Pods cannot be listed", "PodList"), Entry("because its Jobs cannot be listed", "JobList"))

	DescribeTable("is not changed when it is not Rehome's", func(foreign func(h *stuckRestore) *rehometesting.RestoreWrapper) {
		h := e.stuckRestore(clusterRewritten)
		restore := foreign(h).Obj()
		e.create(restore)
		before := e.versions()

		e.reconcile()
		e.reconcile()

		Expect(e.now(h.restore).GetDeletionTimestamp()).NotTo(BeNil(), "Rehome has work to do: %v", e.condition(h.restore))
		Expect(e.versions()).To(HaveKeyWithValue("Restore "+restore.GetName(), before["Restore "+restore.GetName()]))
	},
		Entry("as one of an operation on a running cluster", func(h *stuckRestore) *rehometesting.RestoreWrapper {
			return e.foreign().Of(h.component).Label(kubeblocks.LabelOpsRequestName, "rebuild")
		}),
		Entry("as one of an operation of KubeBlocks 0.9", func(h *stuckRestore) *rehometesting.RestoreWrapper {
			return e.foreign().Of(h.component).Label(kubeblocks.LabelOpsRequestNameV09, "rebuild")
		}),
		Entry("as one of stage postReady", func(h *stuckRestore) *rehometesting.RestoreWrapper {
			return e.foreign().Of(h.component).PostReady()
		}),
		Entry("as one that fills a single volume", func(h *stuckRestore) *rehometesting.RestoreWrapper {
			return e.foreign().Of(h.component).DataSourceRef("PersistentVolumeClaim", "data")
		}),
		Entry("as one without a Component", func(*stuckRestore) *rehometesting.RestoreWrapper {
			return e.foreign().Label(kubeblocks.LabelInstance, target)
		}),
		Entry("as one of another cluster", func(*stuckRestore) *rehometesting.RestoreWrapper {
			other := e.cluster("kiwi", target).RestoredFrom("mysql", backup).Obj()
			e.create(other)
			component := rehometesting.MakeComponent(other, "mysql").Policy(rehometesting.Apart(target)).Obj()
			e.create(component)
			return e.foreign().Of(component)
		}),
		Entry("as one of another cluster that bears this one's label", func(*stuckRestore) *rehometesting.RestoreWrapper {
			other := e.cluster("kiwi", target).RestoredFrom("mysql", backup).Obj()
			e.create(other)
			component := rehometesting.MakeComponent(other, "mysql").Policy(rehometesting.Apart(target)).Obj()
			component.SetLabels(map[string]string{kubeblocks.LabelInstance: target, kubeblocks.LabelComponentName: "mysql"})
			e.create(component)
			return e.foreign().Of(component)
		}),
	)
})

// foreign starts a Restore that would be re-created, were it Rehome's.
func (e *env) foreign() *rehometesting.RestoreWrapper {
	return rehometesting.MakeRestore(e.namespace, "foreign").Backup(backup).Stale(source)
}

var _ = besideEachGeneration("A Cluster", func(e *env) {
	DescribeTable("is never written, nor anything of it", func(change func(h *stuckRestore)) {
		h := e.stuckRestore(clusterStale)
		change(h)
		before := e.versions()

		e.reconcile()
		e.reconcile()

		Expect(e.writes).To(BeEmpty())
		Expect(e.versions()).To(Equal(before))
		Expect(e.events).To(BeEmpty())
	},
		Entry("when it was not restored", func(h *stuckRestore) {
			e.remove(h.restore)
			e.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`)
		}),
		Entry("when another generation of KubeBlocks owns it", func(h *stuckRestore) {
			e.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/crd-api-version":"`+e.generation.Other.String()+`"}}}`)
		}),
		Entry("when it is being deleted", func(h *stuckRestore) {
			e.merge(h.cluster, `{"metadata":{"finalizers":["cluster.kubeblocks.io/finalizer"]}}`)
			Expect(e.admin.Delete(e.ctx, h.cluster)).To(Succeed())
		}),
		Entry("when it is gone", func(h *stuckRestore) { e.remove(h.cluster) }),
		Entry("when its source had no rules", func(h *stuckRestore) {
			e.remove(h.backup, h.pod)
			e.create(rehometesting.MakeRestorePod(h.restore, "bound").Of(h.job).OnNode("node1").Obj())
			e.create(rehometesting.MakeBackup(e.namespace, backup).
				Of(rehometesting.MakeCluster(e.generation, e.namespace, source).Component("mysql", rehometesting.Apart()).Obj()).Obj())
		}),
		Entry("when it was restored under its source's name", func(h *stuckRestore) {
			e.remove(h.backup, h.pod)
			e.create(rehometesting.MakeRestorePod(h.restore, "bound").Of(h.job).OnNode("node1").Obj())
			e.create(rehometesting.MakeBackup(e.namespace, backup).Of(e.cluster(target, target).Obj()).Obj())
		}),
	)

	DescribeTable("is not written, and its Restore says why", func(change func(h *stuckRestore), reason, message string) {
		h := e.stuckRestore(clusterStale)
		change(h)
		before := e.versions()

		e.reconcile()

		Expect(e.writes).To(Equal([]string{"patch status of Restore " + h.restore.GetName()}))
		Expect(e.condition(h.restore)).To(SatisfyAll(
			say(metav1.ConditionUnknown, reason), HaveField("Message", ContainSubstring(message))))
		restore := "Restore " + h.restore.GetName()
		after := e.versions()
		Expect(after[restore]).NotTo(Equal(before[restore]))
		after[restore] = before[restore]
		Expect(after).To(Equal(before))

		e.reconcile()
		Expect(e.writes).To(BeEmpty())
		Expect(e.events).To(BeEmpty())
	},
		Entry("when its Pods live behind other API servers", func(h *stuckRestore) {
			e.merge(h.cluster, `{"metadata":{"annotations":{"apps.kubeblocks.io/multi-cluster-placement":"east,west"}}}`)
		}, v1alpha1.ReasonMultiCluster, "other API servers"),
		Entry("when the Backup is gone", func(h *stuckRestore) { e.remove(h.backup) }, v1alpha1.ReasonSourceUnknown, "not found"),
		Entry("when the Backup has no snapshot", func(h *stuckRestore) {
			e.merge(h.backup, `{"metadata":{"annotations":null}}`)
		}, v1alpha1.ReasonSourceUnknown, "cluster-snapshot"),
		Entry("when the snapshot is broken", func(h *stuckRestore) {
			e.merge(h.backup, `{"metadata":{"annotations":{"kubeblocks.io/cluster-snapshot":"{"}}}`)
		}, v1alpha1.ReasonSourceUnknown, "not JSON at byte"),
		Entry("when no Pod may have one of its rules", func(h *stuckRestore) {
			e.merge(h.cluster, `{"spec":{"schedulingPolicy":{"topologySpreadConstraints":[{"maxSkew":0,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}]}}}`)
		}, v1alpha1.ReasonInvalidRule, "maxSkew 0"),
		Entry("when the annotation is broken", func(h *stuckRestore) {
			e.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":"bp1"}}}`)
		}, v1alpha1.ReasonSourceUnknown, "kubeblocks.io/restore-from-backup"),
	)

	It("is rewritten by one Backup of two when the other is gone, and says so", func() {
		h := e.stuckRestore(clusterStale)
		e.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":"{\"proxy\":{\"name\":\"bp2\"}}"}}}`)

		e.reconcile()
		Expect(e.writes).To(ContainElement("patch Cluster carrot67"))
		e.reconcile()

		Expect(meta.FindStatusCondition(e.rehoming().Status.Conditions, v1alpha1.ConditionReady)).To(HaveValue(SatisfyAll(
			HaveField("Status", Not(Equal(metav1.ConditionTrue))), HaveField("Message", ContainSubstring("bp2")))))
	})

	It("is not written while database Pods of its components are bound to nodes", func() {
		h := e.stuckRestore(clusterStale)
		proxy := rehometesting.MakeComponent(h.cluster, "proxy").Obj()
		e.create(
			e.databasePod(h.component, "carrot67-mysql-0").OnNode("node1").Obj(),
			e.databasePod(proxy, "carrot67-proxy-0").OnNode("node1").Obj(),
		)
		before := e.now(h.cluster)

		e.reconcile()

		Expect(e.now(h.cluster)).To(Equal(before))
		Expect(e.condition(h.restore)).To(say(metav1.ConditionFalse, v1alpha1.ReasonClusterStarted))
		Expect(e.writes).To(HaveLen(1))
	})

	It("keeps the rules over bound Pods, and is given new ones over the rest", func() {
		h := e.stuckRestore(clusterStale)
		proxy := rehometesting.MakeComponent(h.cluster, "proxy").Obj()
		e.create(e.databasePod(proxy, "carrot67-proxy-0").OnNode("node1").Obj())

		e.reconcile()

		Expect(e.now(h.cluster).Object["spec"]).To(Equal(rehometesting.MakeCluster(e.generation, e.namespace, target).
			Component("mysql", rehometesting.Apart(target)).Component("proxy", rehometesting.Apart(source)).Obj().Object["spec"]))
	})

	It("is rewritten although a Pod of its Restore is bound, because that is no database Pod", func() {
		h := e.stuckRestore(clusterStale)
		e.create(rehometesting.MakeRestorePod(h.restore, "bound").OnNode("node1").Obj())

		e.reconcile()

		Expect(e.now(h.cluster).Object["spec"]).To(Equal(e.cluster(target, target).Obj().Object["spec"]))
	})

	It("keeps rules that it did not inherit", func() {
		h := e.stuckRestore(clusterRewritten)
		h.cluster.Object["spec"] = e.cluster(target, target).Component("cache", rehometesting.Apart(source)).Obj().Object["spec"]
		Expect(e.admin.Update(e.ctx, h.cluster)).To(Succeed())
		before := e.now(h.cluster).Object["spec"]

		e.reconcile()
		e.reconcile()

		Expect(e.now(h.cluster).Object["spec"]).To(Equal(before))
		Expect(e.condition(h.restore)).To(HaveField("Message", ContainSubstring("Kept")))
	})

	It("is not written when the Backup cannot be read for now", func() {
		h := e.stuckRestore(clusterStale)
		before := e.versions()
		down := errors.New("the API server is down")
		e.refused["Backup"] = down

		_, err := e.tryReconcile()

		Expect(err).To(MatchError(down))
		Expect(e.versions()).To(Equal(before))
		Expect(e.condition(h.restore)).To(BeNil())
	})

	It("is written when its Backup appears later, although no event says so", func() {
		h := e.stuckRestore(clusterStale)
		e.remove(h.backup)
		e.clock.SetTime(e.now(h.cluster).GetCreationTimestamp().Add(20 * time.Second))

		Expect(e.reconcile().RequeueAfter).To(Equal(5 * time.Second))
		e.clock.Step(time.Hour)
		Expect(e.reconcile().RequeueAfter).To(BeZero(), "it is probably gone")

		h.backup.SetResourceVersion("")
		e.create(h.backup)
		e.reconcile()
		Expect(e.writes).To(ContainElement("patch Cluster carrot67"))
	})

	It("is not written while the Backup may not be read, and is as soon as it may", func() {
		h := e.stuckRestore(clusterStale)
		before := e.now(h.cluster)
		e.refused["Backup"] = apierrors.NewForbidden(schema.GroupResource{Resource: "backups"}, backup, nil)

		result := e.reconcile()

		Expect(result.RequeueAfter).To(Equal(5 * time.Minute))
		Expect(e.now(h.cluster)).To(Equal(before))
		Expect(e.condition(h.restore)).To(SatisfyAll(
			say(metav1.ConditionUnknown, v1alpha1.ReasonSourceUnknown), HaveField("Message", ContainSubstring("no right to get Backup "+e.namespace+"/"+backup))))

		delete(e.refused, "Backup")
		e.reconcile()

		Expect(e.now(h.cluster).Object["spec"]).To(Equal(e.cluster(target, target).Obj().Object["spec"]))
	})
})
