package controllers_test

import (
	"slices"
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
func (e *env) rehoming() *v1alpha1.Rehoming {
	GinkgoHelper()
	rehoming := &v1alpha1.Rehoming{}
	err := e.admin.Get(e.ctx, types.NamespacedName{Namespace: e.namespace, Name: target}, rehoming)
	if apierrors.IsNotFound(err) {
		return nil
	}
	Expect(err).NotTo(HaveOccurred())
	return rehoming
}

// steer creates the Rehoming of carrot67, or edits its spec.
func (e *env) steer(spec v1alpha1.RehomingSpec) error {
	GinkgoHelper()
	if rehoming := e.rehoming(); rehoming != nil {
		rehoming.Spec = spec
		return e.admin.Update(e.ctx, rehoming)
	}
	return e.admin.Create(e.ctx, &v1alpha1.Rehoming{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: target}, Spec: spec})
}

// ready returns the reason of the condition Ready.
func ready(r *v1alpha1.Rehoming) string {
	return meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionReady).Reason
}

var _ = besideKubeBlocks("A Rehoming", func(e *env) {
	It("reports all about a restored Cluster", func() {
		h := e.stuckRestore(clusterStale)
		e.merge(h.pod, `{"status":null}`)
		h.pod = rehometesting.MakeRestorePod(h.restore, "restore-preparedata-1-abcde").Unschedulable("0/3 nodes are available.").Obj()
		e.create(h.pod)
		e.reconciler.Config.Mode = configv1alpha1.Observe

		e.reconcile()

		rehoming := e.rehoming()
		Expect(rehoming.OwnerReferences).To(ConsistOf(SatisfyAll(HaveField("Kind", "Cluster"), HaveField("Name", target), HaveField("UID", h.cluster.GetUID()))))
		Expect(rehoming.Spec).To(BeZero())
		status := rehoming.Status
		Expect(status.Source).To(Equal(&v1alpha1.ClusterIdentity{Namespace: e.namespace, Name: source, UID: string(h.source.GetUID())}))
		Expect(status.Backups).To(ConsistOf(v1alpha1.BackupReference{Namespace: e.namespace, Name: backup}))
		Expect(status.Counts).To(Equal(&v1alpha1.Counts{Edits: 2, Findings: 2, Restores: 1}))
		Expect(status.Edits).To(HaveEach(SatisfyAll(
			HaveField("Path", HavePrefix("/spec/componentSpecs/")), HaveField("From", source), HaveField("To", target), HaveField("AppliedTime", BeNil()))))
		Expect(status.Findings).To(HaveEach(HaveField("Class", "SourceIdentity")))
		Expect(status.Restores).To(ConsistOf(SatisfyAll(
			HaveField("Name", h.restore.GetName()), HaveField("PolicyReason", v1alpha1.ReasonObserved), HaveField("AttemptsLeft", int32(3)),
			HaveField("PendingPods", ContainElement(v1alpha1.PendingPod{Name: h.pod.Name, Reason: "0/3 nodes are available."})))))
		Expect(ready(rehoming)).To(Equal(v1alpha1.ReasonObserved))

		By("the pass after that which makes the edits sees them made")
		e.reconciler.Config.Mode = configv1alpha1.Enforce
		e.reconcile()
		e.reconcile()
		Expect(e.rehoming().Status.Edits).To(HaveEach(HaveField("AppliedTime.Time", BeTemporally("==", today))))

		By("a later one does not forget when")
		e.clock.SetTime(today.Add(time.Hour))
		e.reconcile()
		Expect(e.rehoming().Status.Edits).To(HaveEach(HaveField("AppliedTime.Time", BeTemporally("==", today))))
	})

	It("counts what it unblocked, and when", func() {
		h := e.stuckRestore(clusterRewritten)
		e.reconcile()
		e.remove(h.pod, h.job, h.restore)
		restore := rehometesting.MakeRestore(e.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Policy(rehometesting.Apart(target)).Obj()
		e.create(restore)
		job := rehometesting.MakeJob(restore, "restore-preparedata-9").Obj()
		e.create(job)
		e.create(rehometesting.MakeRestorePod(restore, "restore-preparedata-9-abcde").Of(job).OnNode("node1").Obj())

		e.reconcile()

		status := e.rehoming().Status
		Expect(status.Counts.Unblocked).To(Equal(int32(1)))
		Expect(status.Restores).To(ConsistOf(SatisfyAll(HaveField("AttemptsLeft", int32(2)), HaveField("Name", restore.GetName()))))
		Expect(status.Actions).To(ConsistOf(SatisfyAll(
			HaveField("Action", "RecreateRestore"), HaveField("Target", v1alpha1.ActionTarget{Kind: "Restore", Name: restore.GetName()}), HaveField("Time.Time", BeTemporally("==", today)))))
		Expect(ready(e.rehoming())).To(Equal(v1alpha1.ReasonRehomed))
		Expect(e.condition(restore).Message).To(ContainSubstring("The Restore had not started and was re-created (attempt 1 of 3, 12:00:00 UTC)."))
	})

	It("comes back with the same content when somebody removes it", func() {
		e.stuckRestore(clusterRewritten)
		e.reconcile()
		e.reconcile()
		before := e.rehoming()
		Expect(e.admin.Delete(e.ctx, before)).To(Succeed())

		e.reconcile()

		after := e.rehoming()
		Expect(after.UID).NotTo(Equal(before.UID))
		Expect(after.Status).To(Equal(before.Status))
		Expect(after.OwnerReferences).To(Equal(before.OwnerReferences))
	})

	It("is not written while nothing changes", func() {
		e.stuckRestore(clusterStale)
		e.reconcile()
		e.reconcile()
		before := e.rehoming().ResourceVersion
		e.clock.Step(time.Hour) // a condition that stays keeps its time

		e.reconcile()

		Expect(e.own).To(BeEmpty())
		Expect(e.rehoming().ResourceVersion).To(Equal(before))
	})

	It("of a Cluster that is gone counts as none, and is not written", func() {
		h := e.stuckRestore(clusterStale)
		e.reconcile()
		e.reconcile()
		e.remove(h.cluster)
		successor := e.cluster(target, source).RestoredFrom("mysql", backup).Obj()
		e.create(successor)
		e.create(rehometesting.MakeComponent(successor, "proxy").Obj())
		before := e.rehoming().ResourceVersion

		e.reconcile()
		Expect(e.writes).To(ContainElement("patch Cluster carrot67"), "the cure does not wait for it")

		e.reconcile()
		Expect(e.rehoming().ResourceVersion).To(Equal(before))
	})

	It("exists for a Cluster that inherited nothing, too", func() {
		h := e.stuckRestore(clusterStale)
		e.remove(h.backup, h.pod)
		e.create(rehometesting.MakeRestorePod(h.restore, "bound").Of(h.job).OnNode("node1").Obj())
		e.create(rehometesting.MakeBackup(e.namespace, backup).
			Of(rehometesting.MakeCluster(e.generation, e.namespace, source).Component("mysql", rehometesting.Apart()).Obj()).Obj())

		e.reconcile()

		Expect(ready(e.rehoming())).To(Equal(v1alpha1.ReasonNothingInherited))
	})

	It("does not exist for a Cluster that was not restored", func() {
		h := e.stuckRestore(clusterStale)
		e.remove(h.restore)
		e.create(e.componentOf(h, "proxy"))
		e.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`)

		e.reconcile()

		Expect(e.rehoming()).To(BeNil())
	})

	It("stays small however many rules there are", func() {
		h := e.stuckRestore(clusterStale)
		terms := make([]any, 3000)
		for i := range terms {
			terms[i] = map[string]any{"topologyKey": "kubernetes.io/hostname", "labelSelector": map[string]any{"matchLabels": map[string]any{"app.kubernetes.io/instance": source}}}
		}
		policy := map[string]any{"affinity": map[string]any{"podAntiAffinity": map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": terms}}}
		cluster := rehometesting.MakeCluster(e.generation, e.namespace, source).Component("mysql", policy).Obj()
		e.remove(h.backup)
		// As an annotation this would be too large: the owner names the source instead.
		h.cluster.Object["spec"] = cluster.Object["spec"]
		Expect(e.admin.Update(e.ctx, h.cluster)).To(Succeed())
		Expect(e.steer(v1alpha1.RehomingSpec{Mode: "Observe", Source: &v1alpha1.SourceReference{Name: source}})).To(Succeed())

		e.reconcile()

		rehoming := e.rehoming()
		Expect(len(asJSON(rehoming.Status))).To(BeNumerically("<=", 256<<10))
		Expect(rehoming.Status.Counts.Edits).To(Equal(int32(3000)))
		Expect(len(rehoming.Status.Edits)).To(BeNumerically("<", 3000))
	})
})

var _ = besideKubeBlocks("The spec of a Rehoming", func(e *env) {
	It("can allow what restarts a running database", func() {
		h := e.stuckRestore(clusterStale)
		e.create(e.databasePod(h.component, "carrot67-mysql-0").OnNode("node1").Obj())
		e.create(e.databasePod(rehometesting.MakeComponent(h.cluster, "proxy").Obj(), "carrot67-proxy-0").OnNode("node1").Obj())
		e.reconcile()
		Expect(e.writes).NotTo(ContainElement("patch Cluster carrot67"))

		Expect(e.steer(v1alpha1.RehomingSpec{Consents: []v1alpha1.Consent{v1alpha1.ConsentRollingUpdate}})).To(Succeed())
		e.reconcile()

		Expect(e.writes).To(ContainElement("patch Cluster carrot67"))
	})

	It("can name the source of a Cluster that was made from a copy of another's manifest", func() {
		h := e.stuckRestore(clusterStale)
		e.remove(h.restore, h.backup)
		e.create(e.componentOf(h, "proxy"))
		e.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`)
		e.reconcile()
		Expect(e.writes).To(BeEmpty())

		Expect(e.steer(v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Name: source}})).To(Succeed())
		e.reconcile()

		Expect(e.now(h.cluster).Object["spec"]).To(Equal(e.cluster(target, target).Obj().Object["spec"]))
		e.reconcile()
		rehoming := e.rehoming()
		Expect(rehoming.Status.Edits).To(HaveLen(2))
		Expect(rehoming.Status.Edits).To(HaveEach(HaveField("AppliedTime", Not(BeNil()))))
		Expect(rehoming.OwnerReferences).To(BeEmpty(), "it is the owner's, and stays when the Cluster goes")
	})

	It("can name the Backup of such a Cluster", func() {
		h := e.stuckRestore(clusterStale)
		e.remove(h.restore)
		e.create(e.componentOf(h, "proxy"))
		e.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}}}`)

		Expect(e.steer(v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Backup: &v1alpha1.BackupReference{Name: backup}}})).To(Succeed())
		e.reconcile()

		Expect(e.now(h.cluster).Object["spec"]).To(Equal(e.cluster(target, target).Obj().Object["spec"]))
	})

	DescribeTable("is refused in one clear line", func(spec v1alpha1.RehomingSpec, message string) {
		Expect(e.steer(spec)).To(MatchError(ContainSubstring(message)))
	},
		Entry("for an unknown mode", v1alpha1.RehomingSpec{Mode: "enforce"}, "mode must be Enforce, Observe or Disabled"),
		Entry("for the mode off", v1alpha1.RehomingSpec{Mode: "oFF"}, "write Disabled instead of oFF"),
		Entry("for an unknown consent", v1alpha1.RehomingSpec{Consents: []v1alpha1.Consent{"Everything"}}, `spec.consents[0]: Unsupported value: "Everything"`),
		Entry("for a consent given twice", v1alpha1.RehomingSpec{Consents: []v1alpha1.Consent{"RollingUpdate", "RollingUpdate"}}, "spec.consents[1]: Duplicate value"),
		Entry("for unknown rules of restore Pods", v1alpha1.RehomingSpec{RestorePods: "Loose"}, `spec.restorePods: Unsupported value: "Loose"`),
		Entry("for a source without a name", v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{}}, "set either name or backup"),
		Entry("for a source with two names", v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Name: source, Backup: &v1alpha1.BackupReference{Name: backup}}}, "set either name or backup"),
		Entry("for a namespace beside a Backup", v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Namespace: "a", Backup: &v1alpha1.BackupReference{Name: backup}}}, "set namespace only with name"),
		Entry("for a name that no cluster can have", v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Name: "My 1"}}, "spec.source.name"),
	)
})

// progress returns the types of the kstatus conditions that are True, with their reasons.
func progress(r *v1alpha1.Rehoming) map[string]string {
	found := map[string]string{}
	for _, c := range r.Status.Conditions {
		if c.Status == metav1.ConditionTrue && slices.Contains([]string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled}, c.Type) {
			found[c.Type] = c.Reason
		}
	}
	return found
}

var _ = besideKubeBlocks("The conditions of a Rehoming follow kstatus", func(e *env) {
	It("while Rehome or KubeBlocks works", func() {
		e.stuckRestore(clusterStale)
		e.reconcile()
		e.reconcile()

		Expect(progress(e.rehoming())).To(Equal(map[string]string{v1alpha1.ConditionReconciling: v1alpha1.ReasonWaitingForComponent}))
		Expect(e.rehoming().Status.ObservedGeneration).To(Equal(e.rehoming().Generation))
	})

	It("while somebody has to act", func() {
		h := e.stuckRestore(clusterStale)
		e.remove(h.backup)
		e.reconcile()

		Expect(progress(e.rehoming())).To(Equal(map[string]string{v1alpha1.ConditionStalled: v1alpha1.ReasonSourceUnknown}))
	})

	It("while mode Observe changes nothing", func() {
		e.stuckRestore(clusterStale)
		e.reconciler.Config.Mode = configv1alpha1.Observe
		e.reconcile()

		Expect(progress(e.rehoming())).To(Equal(map[string]string{v1alpha1.ConditionStalled: v1alpha1.ReasonObserved}))
	})

	It("when nothing is left to do", func() {
		h := e.stuckRestore(clusterRewritten)
		e.remove(h.pod, h.job, h.restore)
		e.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":"{}"}}}`)
		restore := rehometesting.MakeRestore(e.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Policy(rehometesting.Apart(target)).Obj()
		e.create(restore)
		job := rehometesting.MakeJob(restore, "restore-preparedata-9").Obj()
		e.create(job)
		e.create(rehometesting.MakeRestorePod(restore, "restore-preparedata-9-abcde").Of(job).OnNode("node1").Obj())
		e.reconcile()

		Expect(progress(e.rehoming())).To(BeEmpty())
		Expect(meta.FindStatusCondition(e.rehoming().Status.Conditions, v1alpha1.ConditionReady)).To(HaveValue(say(metav1.ConditionTrue, v1alpha1.ReasonRehomed)))
	})
})
