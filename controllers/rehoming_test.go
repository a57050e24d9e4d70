package controllers_test

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// rehoming returns the Rehoming of carrot67; nil when there is none.
func (w *world) rehoming() *v1alpha1.Rehoming {
	GinkgoHelper()
	rehoming := &v1alpha1.Rehoming{}
	err := w.admin.Get(w.ctx, types.NamespacedName{Namespace: w.namespace, Name: target}, rehoming)
	if apierrors.IsNotFound(err) {
		return nil
	}
	Expect(err).NotTo(HaveOccurred())
	return rehoming
}

// steer creates the Rehoming of carrot67, or edits its spec.
func (w *world) steer(spec v1alpha1.RehomingSpec) error {
	GinkgoHelper()
	if rehoming := w.rehoming(); rehoming != nil {
		rehoming.Spec = spec
		return w.admin.Update(w.ctx, rehoming)
	}
	return w.admin.Create(w.ctx, &v1alpha1.Rehoming{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: target}, Spec: spec})
}

// ready returns the reason of the condition Ready.
func ready(r *v1alpha1.Rehoming) string {
	return meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionReady).Reason
}

var _ = besideEachGeneration("A Rehoming", func(w *world) {
	It("tells the whole story of a restored Cluster", func() {
		h := w.hang(source)
		w.merge(h.pod, `{"status":null}`)
		h.pod = rehometesting.MakeRestorePod(h.restore, "restore-preparedata-1-abcde").Unschedulable("0/3 nodes are available.").Obj()
		w.create(h.pod)
		w.reconciler.Config.Mode = configv1alpha1.Observe

		w.reconcile()

		rehoming := w.rehoming()
		Expect(rehoming.OwnerReferences).To(ConsistOf(SatisfyAll(HaveField("Kind", "Cluster"), HaveField("Name", target), HaveField("UID", h.cluster.GetUID()))))
		Expect(rehoming.Spec).To(BeZero())
		status := rehoming.Status
		Expect(status.Source).To(Equal(&v1alpha1.ClusterIdentity{Namespace: w.namespace, Name: source, UID: string(h.source.GetUID())}))
		Expect(status.Backups).To(ConsistOf(v1alpha1.BackupReference{Namespace: w.namespace, Name: backup}))
		Expect(status.Counts).To(Equal(&v1alpha1.Counts{Edits: 2, Findings: 2, Restores: 1}))
		Expect(status.Edits).To(HaveEach(SatisfyAll(
			HaveField("Path", HavePrefix("/spec/componentSpecs/")), HaveField("From", source), HaveField("To", target), HaveField("At", BeNil()))))
		Expect(status.Findings).To(HaveEach(HaveField("Class", "SourceIdentity")))
		Expect(status.Restores).To(ConsistOf(SatisfyAll(
			HaveField("Name", h.restore.GetName()), HaveField("Reason", v1alpha1.ReasonObserved), HaveField("AttemptsLeft", int32(3)),
			HaveField("Waiting", ContainElement(v1alpha1.WaitingPod{Name: h.pod.Name, Reason: "0/3 nodes are available."})))))
		Expect(ready(rehoming)).To(Equal(v1alpha1.ReasonObserved))

		By("the pass after that which makes the edits sees them made")
		w.reconciler.Config.Mode = configv1alpha1.Enforce
		w.reconcile()
		w.reconcile()
		Expect(w.rehoming().Status.Edits).To(HaveEach(HaveField("At.Time", BeTemporally("==", today))))

		By("a later one does not forget when")
		w.clock.SetTime(today.Add(time.Hour))
		w.reconcile()
		Expect(w.rehoming().Status.Edits).To(HaveEach(HaveField("At.Time", BeTemporally("==", today))))
	})

	It("counts what it unblocked, and when", func() {
		h := w.hang(target)
		w.reconcile()
		w.remove(h.pod, h.job, h.restore)
		restore := rehometesting.MakeRestore(w.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Policy(rehometesting.Apart(target)).Obj()
		w.create(restore)
		job := rehometesting.MakeJob(restore, "restore-preparedata-9").Obj()
		w.create(job)
		w.create(rehometesting.MakeRestorePod(restore, "restore-preparedata-9-abcde").Of(job).OnNode("node1").Obj())

		w.reconcile()

		status := w.rehoming().Status
		Expect(status.Counts.Unblocked).To(Equal(int32(1)))
		Expect(status.Restores).To(ConsistOf(SatisfyAll(HaveField("AttemptsLeft", int32(2)), HaveField("Name", restore.GetName()))))
		Expect(status.Actions).To(ConsistOf(SatisfyAll(
			HaveField("Action", "RecreateRestore"), HaveField("Of", "Restore "+restore.GetName()), HaveField("At.Time", BeTemporally("==", today)))))
		Expect(ready(w.rehoming())).To(Equal(v1alpha1.ReasonRehomed))
		Expect(w.condition(restore).Message).To(ContainSubstring("The Restore, of which nothing had ever started, was made anew (attempt 1 of 3, at 12:00:00 UTC)."))
	})

	It("comes back with the same content when somebody removes it", func() {
		w.hang(target)
		w.reconcile()
		w.reconcile()
		before := w.rehoming()
		Expect(w.admin.Delete(w.ctx, before)).To(Succeed())

		w.reconcile()

		after := w.rehoming()
		Expect(after.UID).NotTo(Equal(before.UID))
		Expect(after.Status).To(Equal(before.Status))
		Expect(after.OwnerReferences).To(Equal(before.OwnerReferences))
	})

	It("is not written while nothing changes", func() {
		w.hang(source)
		w.reconcile()
		w.reconcile()
		before := w.rehoming().ResourceVersion

		w.reconcile()

		Expect(w.own).To(BeEmpty())
		Expect(w.rehoming().ResourceVersion).To(Equal(before))
	})

	It("of a Cluster that is gone counts as none, and is not written", func() {
		h := w.hang(source)
		w.reconcile()
		w.reconcile()
		w.remove(h.cluster)
		successor := w.cluster(target, source).RestoredFrom("mysql", backup).Obj()
		w.create(successor)
		before := w.rehoming().ResourceVersion

		w.reconcile()
		Expect(w.writes).To(ContainElement("patch Cluster carrot67"), "the cure does not wait for it")

		w.reconcile()
		Expect(w.rehoming().ResourceVersion).To(Equal(before))
	})

	It("is there for a Cluster that inherited nothing that matters, too", func() {
		h := w.hang(source)
		w.remove(h.backup)
		w.create(rehometesting.MakeBackup(w.namespace, backup).
			Of(rehometesting.MakeCluster(w.generation, w.namespace, source).Component("mysql", rehometesting.Apart()).Obj()).Obj())

		w.reconcile()

		Expect(ready(w.rehoming())).To(Equal(v1alpha1.ReasonNothingInherited))
	})

	It("is not there for a Cluster that was not restored", func() {
		h := w.hang(source)
		w.remove(h.restore)
		w.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`)

		w.reconcile()

		Expect(w.rehoming()).To(BeNil())
	})

	It("stays small however many rules there are", func() {
		h := w.hang(source)
		terms := make([]any, 3000)
		for i := range terms {
			terms[i] = map[string]any{"topologyKey": "kubernetes.io/hostname", "labelSelector": map[string]any{"matchLabels": map[string]any{"app.kubernetes.io/instance": source}}}
		}
		policy := map[string]any{"affinity": map[string]any{"podAntiAffinity": map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": terms}}}
		cluster := rehometesting.MakeCluster(w.generation, w.namespace, source).Component("mysql", policy).Obj()
		w.remove(h.backup)
		// As an annotation this would be too large: the owner names the source instead.
		h.cluster.Object["spec"] = cluster.Object["spec"]
		Expect(w.admin.Update(w.ctx, h.cluster)).To(Succeed())
		Expect(w.steer(v1alpha1.RehomingSpec{Mode: "Observe", Source: &v1alpha1.SourceReference{Name: source}})).To(Succeed())

		w.reconcile()

		rehoming := w.rehoming()
		Expect(len(asJSON(rehoming.Status))).To(BeNumerically("<=", 256<<10))
		Expect(rehoming.Status.Counts.Edits).To(Equal(int32(3000)))
		Expect(len(rehoming.Status.Edits)).To(BeNumerically("<", 3000))
	})
})

var _ = besideEachGeneration("The spec of a Rehoming", func(w *world) {
	DescribeTable("says how far Rehome goes", func(mode string, clusterSays string, written bool) {
		h := w.hang(source)
		Expect(w.steer(v1alpha1.RehomingSpec{Mode: mode})).To(Succeed())
		if clusterSays != "" {
			w.merge(h.cluster, `{"metadata":{"annotations":{"rehome.kubeblocks.io/mode":"`+clusterSays+`"}}}`)
		}

		w.reconcile()

		Expect(w.writes).To(WithTransform(func(writes []string) bool { return strings.Contains(strings.Join(writes, ","), "patch Cluster") }, Equal(written)))
	},
		Entry("Enforce", "Enforce", "", true),
		Entry("Observe", "Observe", "", false),
		Entry("Off", "Off", "", false),
		Entry("the Cluster's annotation goes before it", "Off", "Enforce", true),
	)

	It("can allow what restarts a running database", func() {
		h := w.hang(source)
		w.create(rehometesting.MakeDatabasePod(h.component, "carrot67-mysql-0").OnNode("node1").Obj())
		w.create(rehometesting.MakeDatabasePod(rehometesting.MakeComponent(h.cluster, "proxy").Obj(), "carrot67-proxy-0").OnNode("node1").Obj())
		w.reconcile()
		Expect(w.writes).NotTo(ContainElement("patch Cluster carrot67"))

		Expect(w.steer(v1alpha1.RehomingSpec{AllowRollingUpdate: true})).To(Succeed())
		w.reconcile()

		Expect(w.writes).To(ContainElement("patch Cluster carrot67"))
	})

	It("can name the source of a Cluster that was made from a copy of another's manifest", func() {
		h := w.hang(source)
		w.remove(h.restore, h.backup)
		w.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`)
		w.reconcile()
		Expect(w.writes).To(BeEmpty())

		Expect(w.steer(v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Name: source}})).To(Succeed())
		w.reconcile()

		Expect(w.now(h.cluster).Object["spec"]).To(Equal(w.cluster(target, target).Obj().Object["spec"]))
		w.reconcile()
		rehoming := w.rehoming()
		Expect(rehoming.Status.Edits).To(HaveLen(2))
		Expect(rehoming.Status.Edits).To(HaveEach(HaveField("At", Not(BeNil()))))
		Expect(rehoming.OwnerReferences).To(ConsistOf(HaveField("Name", target)), "it goes with the Cluster")
	})

	It("can name the Backup of such a Cluster", func() {
		h := w.hang(source)
		w.remove(h.restore)
		w.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`)

		Expect(w.steer(v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Backup: &v1alpha1.BackupReference{Name: backup}}})).To(Succeed())
		w.reconcile()

		Expect(w.now(h.cluster).Object["spec"]).To(Equal(w.cluster(target, target).Obj().Object["spec"]))
	})

	DescribeTable("is refused with a clear word", func(spec v1alpha1.RehomingSpec, message string) {
		Expect(w.steer(spec)).To(MatchError(ContainSubstring(message)))
	},
		Entry("for an unknown mode", v1alpha1.RehomingSpec{Mode: "enforce"}, `spec.mode: Unsupported value: "enforce"`),
		Entry("for unknown rules of restore Pods", v1alpha1.RehomingSpec{RestorePods: "Loose"}, `spec.restorePods: Unsupported value: "Loose"`),
		Entry("for a source without a name", v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{}}, "give either name or backup"),
		Entry("for a source with two names", v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Name: source, Backup: &v1alpha1.BackupReference{Name: backup}}}, "give either name or backup"),
		Entry("for a namespace beside a Backup", v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Namespace: "a", Backup: &v1alpha1.BackupReference{Name: backup}}}, "namespace goes with name"),
		Entry("for a name that no cluster can have", v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Name: "My 1"}}, "spec.source.name"),
	)
})

var _ = besideEachGeneration("Without the kind Rehoming", func(w *world) {
	It("the cure goes on", func() {
		h := w.hang(source)
		w.refused["Rehoming"] = &meta.NoKindMatchError{}
		w.refused["create Rehoming carrot67"] = &meta.NoKindMatchError{}

		w.reconcile()
		Expect(w.writes).To(ConsistOf("patch Cluster carrot67"))

		w.reconcile()
		Expect(w.writes).To(ConsistOf("patch status of Restore " + h.restore.GetName()))
	})
})
