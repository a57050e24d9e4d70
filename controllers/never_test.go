package controllers_test

import (
	"errors"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

var _ = besideEachGeneration("A Restore that carries old rules", func(w *world) {
	It("is deleted when nothing of it ever started", func() {
		h := w.hang(target)

		w.reconcile()

		Expect(w.writes).To(ContainElement("delete Restore " + h.restore.GetName()))
	})

	DescribeTable("is never deleted", func(change func(h *hang), reason string) {
		h := w.hang(target)
		change(h)

		for range 3 {
			w.reconcile()
			Expect(w.writes).NotTo(ContainElement(HavePrefix("delete")))
		}

		Expect(w.now(h.restore).GetDeletionTimestamp()).To(BeNil())
		Expect(w.condition(h.restore)).To(say(metav1.ConditionFalse, reason))
		Expect(w.events).To(BeEmpty())
	},
		Entry("when all of it has started", func(h *hang) {
			w.create(rehometesting.MakeRestorePod(h.restore, "bound").Of(h.job).OnNode("node1").Obj())
		}, v1alpha1.ReasonRestoreStarted),
		Entry("when it completed, and its database runs", func(h *hang) {
			h.cluster.Object["spec"] = w.cluster(target, source).Obj().Object["spec"]
			Expect(w.admin.Update(w.ctx, h.cluster)).To(Succeed())
			w.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)
			for _, component := range []string{"mysql", "proxy"} {
				pod := rehometesting.MakeDatabasePod(rehometesting.MakeComponent(h.cluster, component).Obj(), "carrot67-"+component+"-0")
				w.create(pod.OnNode("node1").Obj())
			}
		}, v1alpha1.ReasonClusterStarted),
		Entry("when it failed", func(h *hang) {
			w.mergeStatus(h.restore, `{"status":{"phase":"Failed"}}`)
		}, v1alpha1.ReasonRestoreFailed),
		Entry("while its Component carries old rules", func(h *hang) {
			h.component.Object["spec"] = map[string]any{"schedulingPolicy": rehometesting.Apart(source)}
			Expect(w.admin.Update(w.ctx, h.component)).To(Succeed())
		}, v1alpha1.ReasonWaitingForComponent),
	)

	DescribeTable("is not deleted before the scheduler has turned down all that there is of it", func(change func(h *hang)) {
		h := w.hang(target)
		change(h)

		w.reconcile()

		Expect(w.writes).NotTo(ContainElement(HavePrefix("delete")))
		Expect(w.condition(h.restore)).To(say(metav1.ConditionFalse, v1alpha1.ReasonWaitingForScheduler))
	},
		Entry("when it has yet to look at a Pod", func(h *hang) {
			w.create(rehometesting.MakeRestorePod(h.restore, "new").Obj())
		}),
		Entry("when a Job has no Pod yet", func(h *hang) {
			w.create(rehometesting.MakeJob(h.restore, "restore-preparedata-1").Obj())
		}),
	)

	It("is not deleted when a Pod comes up between the look and the delete", func() {
		h := w.hang(target)
		w.before["patch Cluster"] = func() { w.create(rehometesting.MakeRestorePod(h.restore, "new").Obj()) }

		result := w.reconcile()

		Expect(w.before).To(BeEmpty(), "the attempt was counted")
		Expect(w.writes).NotTo(ContainElement(HavePrefix("delete")))
		Expect(result.RequeueAfter).To(BeNumerically(">", 0))
	})

	It("is never deleted when it completed", func() {
		h := w.hang(target)
		w.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)

		w.reconcile()

		Expect(w.writes).To(ConsistOf("patch status of Restore " + h.restore.GetName()))
		Expect(w.condition(h.restore)).To(say(metav1.ConditionTrue, v1alpha1.ReasonRestoreFinished))
	})

	DescribeTable("is given new ones and not deleted, and only what never started of it is", func(change func(h *hang)) {
		h := w.hang(target)
		change(h)

		var writes []string
		for range 4 {
			w.reconcile()
			writes = append(writes, w.writes...)
		}

		Expect(writes).To(ContainElements("patch Restore "+h.restore.GetName(), "patch Job "+h.job.Name))
		writes = slices.DeleteFunc(writes, func(write string) bool { return !strings.HasPrefix(write, "delete") })
		Expect(writes).To(ConsistOf("delete Job " + h.job.Name))
		Expect(w.condition(h.restore)).To(SatisfyAll(say(metav1.ConditionTrue, v1alpha1.ReasonRehomed),
			HaveField("Message", ContainSubstring("Jobs of the Restore that had never started were made anew"))))
		Expect(field(w.now(h.restore).Object, "spec", "prepareDataConfig", "schedulingSpec")).To(Equal(rehometesting.Apart(target)))
	},
		Entry("when one of its Pods is bound to a node", func(h *hang) {
			w.create(rehometesting.MakeRestorePod(h.restore, "bound").OnNode("node1").Obj())
		}),
		Entry("when a kubelet has started one of its Pods", func(h *hang) {
			w.create(rehometesting.MakeRestorePod(h.restore, "started").Started(metav1.NewTime(today)).Obj())
		}),
		Entry("when a kubelet has seen a container of one of its Pods", func(h *hang) {
			w.create(rehometesting.MakeRestorePod(h.restore, "creating").ContainerWaiting().Obj())
		}),
		Entry("when one of its Jobs counts a Pod that succeeded", func(h *hang) {
			w.create(rehometesting.MakeJob(h.restore, "restore-preparedata-1").Succeeded().Obj())
		}),
		Entry("when one of its Jobs counts a Pod that failed", func(h *hang) {
			w.create(rehometesting.MakeJob(h.restore, "restore-preparedata-1").Failed().Obj())
		}),
		Entry("when one of its actions completed", func(h *hang) {
			w.mergeStatus(h.restore, `{"status":{"phase":"Running","actions":{"prepareData":[{"objectKey":"Job/restore-preparedata-1","status":"Completed"}]}}}`)
		}),
		Entry("when one of its actions failed", func(h *hang) {
			w.mergeStatus(h.restore, `{"status":{"phase":"Running","actions":{"prepareData":[{"objectKey":"Job/restore-preparedata-1","status":"Failed"}]}}}`)
		}),
	)

	DescribeTable("is never deleted when it cannot be told what started", func(list string) {
		h := w.hang(target)
		down := errors.New("the API server is down")
		w.refused[list] = down

		_, err := w.tryReconcile()

		Expect(err).To(MatchError(down))
		Expect(w.writes).To(BeEmpty())
		Expect(w.now(h.restore).GetDeletionTimestamp()).To(BeNil())
	}, Entry("because its Pods cannot be listed", "PodList"), Entry("because its Jobs cannot be listed", "JobList"))

	DescribeTable("is left alone where it is none of Rehome's", func(foreign func(h *hang) *rehometesting.RestoreWrapper) {
		h := w.hang(target)
		restore := foreign(h).Obj()
		w.create(restore)
		before := w.versions()

		w.reconcile()
		w.reconcile()

		Expect(w.now(h.restore).GetDeletionTimestamp()).NotTo(BeNil(), "Rehome has work to do: %v", w.condition(h.restore))
		Expect(w.versions()).To(HaveKeyWithValue("Restore "+restore.GetName(), before["Restore "+restore.GetName()]))
	},
		Entry("as one of an operation on a running cluster", func(h *hang) *rehometesting.RestoreWrapper {
			return w.foreign().Of(h.component).Label(kubeblocks.LabelOpsRequestName, "rebuild")
		}),
		Entry("as one of an operation of KubeBlocks 0.9", func(h *hang) *rehometesting.RestoreWrapper {
			return w.foreign().Of(h.component).Label(kubeblocks.LabelOpsRequestNameV09, "rebuild")
		}),
		Entry("as one of stage postReady", func(h *hang) *rehometesting.RestoreWrapper {
			return w.foreign().Of(h.component).PostReady()
		}),
		Entry("as one that fills a single volume", func(h *hang) *rehometesting.RestoreWrapper {
			return w.foreign().Of(h.component).DataSourceRef("PersistentVolumeClaim", "data")
		}),
		Entry("as one without a Component", func(*hang) *rehometesting.RestoreWrapper {
			return w.foreign().Label(kubeblocks.LabelInstance, target)
		}),
		Entry("as one of another cluster", func(*hang) *rehometesting.RestoreWrapper {
			other := w.cluster("kiwi", target).RestoredFrom("mysql", backup).Obj()
			w.create(other)
			component := rehometesting.MakeComponent(other, "mysql").Policy(rehometesting.Apart(target)).Obj()
			w.create(component)
			return w.foreign().Of(component)
		}),
		Entry("as one of another cluster that bears this one's label", func(*hang) *rehometesting.RestoreWrapper {
			other := w.cluster("kiwi", target).RestoredFrom("mysql", backup).Obj()
			w.create(other)
			component := rehometesting.MakeComponent(other, "mysql").Policy(rehometesting.Apart(target)).Obj()
			component.SetLabels(map[string]string{kubeblocks.LabelInstance: target, kubeblocks.LabelComponentName: "mysql"})
			w.create(component)
			return w.foreign().Of(component)
		}),
	)
})

// foreign starts a Restore that would be re-created, were it Rehome's.
func (w *world) foreign() *rehometesting.RestoreWrapper {
	return rehometesting.MakeRestore(w.namespace, "foreign").Backup(backup).Stale(source)
}

var _ = besideEachGeneration("A Cluster", func(w *world) {
	DescribeTable("is never written, nor anything of it", func(change func(h *hang)) {
		h := w.hang(source)
		change(h)
		before := w.versions()

		w.reconcile()
		w.reconcile()

		Expect(w.writes).To(BeEmpty())
		Expect(w.versions()).To(Equal(before))
		Expect(w.events).To(BeEmpty())
	},
		Entry("when it was not restored", func(h *hang) {
			w.remove(h.restore)
			w.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`)
		}),
		Entry("when another generation of KubeBlocks owns it", func(h *hang) {
			w.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/crd-api-version":"`+w.generation.Other.String()+`"}}}`)
		}),
		Entry("when it is being deleted", func(h *hang) {
			w.merge(h.cluster, `{"metadata":{"finalizers":["cluster.kubeblocks.io/finalizer"]}}`)
			Expect(w.admin.Delete(w.ctx, h.cluster)).To(Succeed())
		}),
		Entry("when it is gone", func(h *hang) { w.remove(h.cluster) }),
		Entry("when its source had no rules", func(h *hang) {
			w.remove(h.backup)
			w.create(rehometesting.MakeBackup(w.namespace, backup).
				Of(rehometesting.MakeCluster(w.generation, w.namespace, source).Component("mysql", rehometesting.Apart()).Obj()).Obj())
		}),
		Entry("when it was restored under its source's name", func(h *hang) {
			w.remove(h.backup)
			w.create(rehometesting.MakeBackup(w.namespace, backup).Of(w.cluster(target, target).Obj()).Obj())
		}),
	)

	DescribeTable("is not written, and its Restore says why", func(change func(h *hang), reason, message string) {
		h := w.hang(source)
		change(h)
		before := w.versions()

		w.reconcile()

		Expect(w.writes).To(Equal([]string{"patch status of Restore " + h.restore.GetName()}))
		Expect(w.condition(h.restore)).To(SatisfyAll(
			say(metav1.ConditionUnknown, reason), HaveField("Message", ContainSubstring(message))))
		restore := "Restore " + h.restore.GetName()
		after := w.versions()
		Expect(after[restore]).NotTo(Equal(before[restore]))
		after[restore] = before[restore]
		Expect(after).To(Equal(before))

		w.reconcile()
		Expect(w.writes).To(BeEmpty())
		Expect(w.events).To(BeEmpty())
	},
		Entry("when its Pods live behind other API servers", func(h *hang) {
			w.merge(h.cluster, `{"metadata":{"annotations":{"apps.kubeblocks.io/multi-cluster-placement":"east,west"}}}`)
		}, v1alpha1.ReasonMultiCluster, "other API servers"),
		Entry("when the Backup is gone", func(h *hang) { w.remove(h.backup) }, v1alpha1.ReasonSourceUnknown, "not found"),
		Entry("when the Backup has no snapshot", func(h *hang) {
			w.merge(h.backup, `{"metadata":{"annotations":null}}`)
		}, v1alpha1.ReasonSourceUnknown, "cluster-snapshot"),
		Entry("when the snapshot is broken", func(h *hang) {
			w.merge(h.backup, `{"metadata":{"annotations":{"kubeblocks.io/cluster-snapshot":"{"}}}`)
		}, v1alpha1.ReasonSourceUnknown, "not JSON at byte"),
		Entry("when one Backup of two is gone", func(h *hang) {
			w.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":"{\"proxy\":{\"name\":\"bp2\"}}"}}}`)
		}, v1alpha1.ReasonSourceUnknown, "bp2"),
		Entry("when no Pod may have one of its rules", func(h *hang) {
			w.merge(h.cluster, `{"spec":{"schedulingPolicy":{"topologySpreadConstraints":[{"maxSkew":0,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}]}}}`)
		}, v1alpha1.ReasonInvalidRule, "maxSkew 0"),
		Entry("when the annotation is broken", func(h *hang) {
			w.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":"bp1"}}}`)
		}, v1alpha1.ReasonSourceUnknown, "kubeblocks.io/restore-from-backup"),
	)

	It("is not written while database Pods of its components are bound to nodes", func() {
		h := w.hang(source)
		proxy := rehometesting.MakeComponent(h.cluster, "proxy").Obj()
		w.create(
			rehometesting.MakeDatabasePod(h.component, "carrot67-mysql-0").OnNode("node1").Obj(),
			rehometesting.MakeDatabasePod(proxy, "carrot67-proxy-0").OnNode("node1").Obj(),
		)
		before := w.now(h.cluster)

		w.reconcile()

		Expect(w.now(h.cluster)).To(Equal(before))
		Expect(w.condition(h.restore)).To(say(metav1.ConditionFalse, v1alpha1.ReasonClusterStarted))
		Expect(w.writes).To(HaveLen(1))
	})

	It("keeps the rules over bound Pods, and is given new ones over the rest", func() {
		h := w.hang(source)
		proxy := rehometesting.MakeComponent(h.cluster, "proxy").Obj()
		w.create(rehometesting.MakeDatabasePod(proxy, "carrot67-proxy-0").OnNode("node1").Obj())

		w.reconcile()

		Expect(w.now(h.cluster).Object["spec"]).To(Equal(rehometesting.MakeCluster(w.generation, w.namespace, target).
			Component("mysql", rehometesting.Apart(target)).Component("proxy", rehometesting.Apart(source)).Obj().Object["spec"]))
	})

	It("is rewritten although a Pod of its Restore is bound, because that is no database Pod", func() {
		h := w.hang(source)
		w.create(rehometesting.MakeRestorePod(h.restore, "bound").OnNode("node1").Obj())

		w.reconcile()

		Expect(w.now(h.cluster).Object["spec"]).To(Equal(w.cluster(target, target).Obj().Object["spec"]))
	})

	It("keeps rules that it did not inherit", func() {
		h := w.hang(target)
		h.cluster.Object["spec"] = w.cluster(target, target).Component("cache", rehometesting.Apart(source)).Obj().Object["spec"]
		Expect(w.admin.Update(w.ctx, h.cluster)).To(Succeed())
		before := w.now(h.cluster).Object["spec"]

		w.reconcile()
		w.reconcile()

		Expect(w.now(h.cluster).Object["spec"]).To(Equal(before))
		Expect(w.condition(h.restore)).To(HaveField("Message", ContainSubstring("Kept")))
	})

	It("is not written when the Backup cannot be read for now", func() {
		h := w.hang(source)
		before := w.versions()
		down := errors.New("the API server is down")
		w.refused["Backup"] = down

		_, err := w.tryReconcile()

		Expect(err).To(MatchError(down))
		Expect(w.versions()).To(Equal(before))
		Expect(w.condition(h.restore)).To(BeNil())
	})

	It("is not written while the Backup may not be read, and is as soon as it may", func() {
		h := w.hang(source)
		before := w.now(h.cluster)
		w.refused["Backup"] = apierrors.NewForbidden(schema.GroupResource{Resource: "backups"}, backup, nil)

		result := w.reconcile()

		Expect(result.RequeueAfter).To(Equal(5 * time.Minute))
		Expect(w.now(h.cluster)).To(Equal(before))
		Expect(w.condition(h.restore)).To(SatisfyAll(
			say(metav1.ConditionUnknown, v1alpha1.ReasonSourceUnknown), HaveField("Message", ContainSubstring("no right to get Backup "+w.namespace+"/"+backup))))

		delete(w.refused, "Backup")
		w.reconcile()

		Expect(w.now(h.cluster).Object["spec"]).To(Equal(w.cluster(target, target).Obj().Object["spec"]))
	})
})
