package controllers_test

import (
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

var _ = besideKubeBlocks("What the owner decided", func(e *env) {
	setMode := func(mode string) {
		GinkgoHelper()
		e.merge(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: e.namespace}}, `{"metadata":{"annotations":{"rehome.kubeblocks.io/mode":"`+mode+`"}}}`)
	}

	// isObeyed lets the owner decide right after the read of the cache.
	isObeyed := func(decide func()) {
		GinkgoHelper()
		e.before["get Rehoming 2"] = decide

		result := e.reconcile()

		Expect(e.before).To(BeEmpty())
		Expect(e.writes).To(BeEmpty())
		Expect(result.RequeueAfter).To(Equal(250 * time.Millisecond))
		e.reconcile()
		Expect(e.writes).NotTo(ContainElement(Or(HavePrefix("patch Cluster"), HavePrefix("delete"))))
	}

	// The cache learns last of what is applied together with a Cluster.
	DescribeTable("is obeyed although the cache does not know it yet", func(apartFrom string, decide func()) {
		e.stuckRestore(apartFrom)
		isObeyed(decide)
	},
		Entry("as a Rehoming in mode Disabled", clusterStale, func() { Expect(e.steer(v1alpha1.RehomingSpec{Mode: "Disabled"})).To(Succeed()) }),
		Entry("as a Rehoming in mode Observe", clusterStale, func() { Expect(e.steer(v1alpha1.RehomingSpec{Mode: "Observe"})).To(Succeed()) }),
		Entry("as an annotation of the Namespace", clusterStale, func() { setMode("Disabled") }),
		Entry("before an attempt is recorded", clusterRewritten, func() { Expect(e.steer(v1alpha1.RehomingSpec{Mode: "Disabled"})).To(Succeed()) }),
	)

	It("is obeyed although the cache holds the Rehoming as it was before the edit", func() {
		e.stuckRestore(clusterStale)
		Expect(e.steer(v1alpha1.RehomingSpec{Mode: "Enforce"})).To(Succeed())
		isObeyed(func() { Expect(e.steer(v1alpha1.RehomingSpec{Mode: "Disabled"})).To(Succeed()) })
	})

	It("is read live before the first write to a Cluster, not before each", func() {
		h := e.stuckRestore(clusterStale)
		e.reconcile()
		Expect(e.reads["get Rehoming"]).To(Equal(2))
		Expect(e.reads["get Namespace"]).To(Equal(2))

		h.component.Object["spec"] = map[string]any{"schedulingPolicy": rehometesting.Apart(target)}
		Expect(e.admin.Update(e.ctx, h.component)).To(Succeed())
		e.reconcile()

		Expect(e.writes).To(ContainElement(HavePrefix("delete Restore")))
		Expect(e.reads["get Rehoming"]).To(Equal(1))
	})

	// ofDeleted makes a Rehoming of a Cluster of the same name that is gone.
	ofDeleted := func(spec v1alpha1.RehomingSpec) {
		GinkgoHelper()
		Expect(e.admin.Create(e.ctx, &v1alpha1.Rehoming{Spec: spec, ObjectMeta: metav1.ObjectMeta{
			Namespace: e.namespace, Name: target,
			OwnerReferences: []metav1.OwnerReference{{APIVersion: e.generation.Apps.String(), Kind: "Cluster", Name: target, UID: "the-cluster-before"}},
		}})).To(Succeed())
	}

	DescribeTable("about a deleted Cluster of the same name counts if it says stop", func(mode string) {
		e.stuckRestore(clusterStale)
		ofDeleted(v1alpha1.RehomingSpec{Mode: mode})

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement("patch Cluster carrot67"))
	}, Entry("Observe", "Observe"), Entry("Disabled", "Disabled"))

	It("about a deleted Cluster of the same name is no consent for its successor", func() {
		h := e.stuckRestore(clusterStale)
		for _, component := range []string{"mysql", "proxy"} {
			e.create(e.databasePod(e.componentOf(h, component), "carrot67-"+component+"-0").OnNode("node1").Obj())
		}
		ofDeleted(v1alpha1.RehomingSpec{Consents: []v1alpha1.Consent{v1alpha1.ConsentRollingUpdate}})

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement("patch Cluster carrot67"))
	})

	It("does not arrive with a snapshot", func() {
		h := e.stuckRestore(clusterStale)
		e.reconcile()
		history := e.now(h.cluster).GetAnnotations()[v1alpha1.AnnotationHistory]
		Expect(history).NotTo(BeEmpty())
		e.remove(h.cluster)
		successor := e.cluster(target, source).RestoredFrom("mysql", backup).Annotation(v1alpha1.AnnotationHistory, history).Obj()
		e.create(successor)
		e.merge(successor, `{"metadata":{"annotations":{"rehome.kubeblocks.io/mode":"Disabled","rehome.kubeblocks.io/consents":"RollingUpdate"}}}`)
		for _, component := range []string{"mysql", "proxy"} {
			e.create(e.databasePod(rehometesting.MakeComponent(successor, component+"x").Obj(), "carrot67-"+component+"x-0").OnNode("node1").Obj())
		}

		e.reconcile()

		Expect(e.writes).To(ContainElement("patch Cluster carrot67"), "the mode is not obeyed")
		Expect(e.now(successor).GetAnnotations()[v1alpha1.AnnotationHistory]).To(ContainSubstring(string(successor.GetUID())))
		Expect(e.now(successor).GetAnnotations()[v1alpha1.AnnotationHistory]).NotTo(ContainSubstring(string(h.cluster.GetUID())), "nor is the history continued")
	})
})

var _ = besideKubeBlocks("PodsScheduled", func(e *env) {
	// snapshotOf replaces the snapshot by that of a cluster whose components have a policy.
	backedUpFrom := func(h *stuckRestore, name string, policy map[string]any) {
		GinkgoHelper()
		e.remove(h.backup)
		e.create(rehometesting.MakeBackup(e.namespace, backup).Of(rehometesting.MakeCluster(e.generation, e.namespace, name).
			Component("mysql", policy).Component("proxy", policy).Obj()).Obj())
	}
	message := func() string {
		GinkgoHelper()
		for _, c := range e.rehoming().Status.Conditions {
			if c.Type == v1alpha1.RehomingPodsScheduled {
				Expect(c).To(say(metav1.ConditionFalse, v1alpha1.ReasonUnschedulable))
				return c.Message
			}
		}
		Fail("there is no condition PodsScheduled")
		return ""
	}

	It("is False when a Pod is Unschedulable although no rule names the source, and names the rule and the field that helps", func() {
		h := e.stuckRestore(clusterStale)
		backedUpFrom(h, "papaya", rehometesting.Apart(source)) // papaya was restored from my1 itself

		e.reconcile()

		Expect(ready(e.rehoming())).To(Equal(v1alpha1.ReasonUnschedulable))
		Expect(message()).To(SatisfyAll(ContainSubstring("required anti-affinity per node against Pods with app.kubernetes.io/instance=my1"),
			ContainSubstring("spec.source of the Rehoming")))

		Expect(e.steer(v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Name: source}})).To(Succeed())
		e.reconcile()
		Expect(e.writes).To(ContainElement("patch Cluster carrot67"))

		e.merge(h.component, `{"spec":`+asJSON(map[string]any{"schedulingPolicy": rehometesting.Apart(target)})+`}`)
		e.reconcile()
		Expect(e.writes).To(ContainElement("delete Restore "+h.restore.GetName()), "its Pods must not wait for a node under stale rules")
		Expect(e.rehoming().Status.Findings).NotTo(ContainElement(HaveField("Class", "ThirdParty")), "the rewritten rule is the Cluster's own")
	})

	It("names the Backup that the source was itself restored from, which cures the rules as source", func() {
		h := e.stuckRestore(clusterStale)
		e.remove(h.backup)
		e.create(rehometesting.MakeBackup(e.namespace, "bp0").Of(h.source).Obj())
		papaya := e.cluster("papaya", source).Obj()
		snapshot := func(origin string) *unstructured.Unstructured {
			return rehometesting.MakeBackup(e.namespace, backup).Of(papaya).Snapshot(asJSON(map[string]any{
				"metadata": map[string]any{"name": "papaya", "namespace": e.namespace, "annotations": map[string]any{
					kubeblocks.AnnotationRestoreFromBackup: `{"mysql":{"name":"` + origin + `"}}`,
				}},
				"spec": papaya.Object["spec"],
			})).Obj()
		}
		e.create(snapshot("bp0"))

		e.reconcile()

		origin := "papaya was itself restored from Backup " + e.namespace + "/bp0"
		Expect(message()).To(ContainSubstring(origin))
		Expect(e.rehoming().Status.Findings).To(ContainElement(HaveField("Message", ContainSubstring("names other clusters (my1), and "+origin+": kept"))))
		Expect(e.writes).NotTo(ContainElement("patch Cluster carrot67"))

		Expect(e.steer(v1alpha1.RehomingSpec{Source: &v1alpha1.SourceReference{Backup: &v1alpha1.BackupReference{Name: "bp0"}}})).To(Succeed())
		e.reconcile()
		Expect(e.writes).To(ContainElement("patch Cluster carrot67"))
	})

	It("is about Pods behind an obstacle, too", func() {
		h := e.stuckRestore(clusterStale)
		e.remove(h.backup)

		e.reconcile()

		Expect(message()).To(ContainSubstring(h.pod.Name))
	})

	It("keeps its condition on a Restore where nothing was inherited, and says when its Pods have nodes", func() {
		h := e.stuckRestore(clusterStale)
		backedUpFrom(h, "papaya", rehometesting.Apart(source))
		e.reconcile()
		Expect(e.conditions(h.restore)).To(ContainElement(SatisfyAll(ofType(v1alpha1.ConditionPodsScheduled), say(metav1.ConditionFalse, v1alpha1.ReasonUnschedulable))))

		e.remove(h.pod)
		e.create(rehometesting.MakeRestorePod(h.restore, "bound").Of(h.job).OnNode("node1").Obj())
		e.reconcile()

		Expect(e.conditions(h.restore)).To(ContainElement(SatisfyAll(ofType(v1alpha1.ConditionPodsScheduled), say(metav1.ConditionTrue, v1alpha1.ReasonScheduled))))
	})

	It("names the consent that helps, which works where no rule names the source", func() {
		unscoped := rehometesting.Apart(source)
		selector := requiredTerms(unscoped)[0].(map[string]any)["labelSelector"].(map[string]any)
		selector["matchLabels"] = map[string]any{"apps.kubeblocks.io/component-name": "mysql"}
		unscoped["affinity"].(map[string]any)["podAntiAffinity"].(map[string]any)["requiredDuringSchedulingIgnoredDuringExecution"] = []any{
			map[string]any{"topologyKey": "kubernetes.io/hostname", "labelSelector": selector},
		}
		h := e.stuckRestore(clusterStale)
		backedUpFrom(h, source, unscoped)
		h.cluster.Object["spec"] = rehometesting.MakeCluster(e.generation, e.namespace, target).Component("mysql", unscoped).Component("proxy", unscoped).Obj().Object["spec"]
		Expect(e.admin.Update(e.ctx, h.cluster)).To(Succeed())
		h.component.Object["spec"] = map[string]any{"schedulingPolicy": unscoped}
		Expect(e.admin.Update(e.ctx, h.component)).To(Succeed())
		e.remove(h.pod, h.job, h.restore)
		restore := rehometesting.MakeRestore(e.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Policy(unscoped).Obj()
		e.create(restore)
		e.stuckJob(restore, "restore-preparedata-1")

		e.reconcile()
		Expect(message()).To(ContainSubstring("the consent ScopeUnscoped restricts it to Pods of carrot67"))

		Expect(e.steer(v1alpha1.RehomingSpec{Consents: []v1alpha1.Consent{v1alpha1.ConsentScopeUnscoped}})).To(Succeed())
		e.reconcile()
		Expect(e.writes).To(ContainElement("patch Cluster carrot67"))

		scoped := e.now(h.cluster).Object["spec"].(map[string]any)["componentSpecs"].([]any)[0].(map[string]any)["schedulingPolicy"]
		Expect(asJSON(scoped)).To(ContainSubstring(`"app.kubernetes.io/instance":"carrot67"`))
		component := e.now(h.component)
		component.Object["spec"] = map[string]any{"schedulingPolicy": scoped}
		Expect(e.admin.Update(e.ctx, component)).To(Succeed())
		e.reconcile()
		Expect(e.writes).To(ContainElement("delete Restore " + restore.GetName()))
	})
})

var _ = besideKubeBlocks("Stale answers", func(e *env) {
	It("are spaced, and logged from the third on", func() {
		h := e.stuckRestore(clusterStale)
		stale := func() time.Duration {
			GinkgoHelper()
			e.before["patch Cluster"] = func() { e.merge(h.cluster, `{"metadata":{"labels":{"touched":"`+asJSON(len(e.logged))+`"}}}`) }
			e.logged = nil
			e.merge(h.cluster, `{"metadata":{"labels":{"touched":"again"}}}`)
			return e.reconcile().RequeueAfter
		}
		const message = "keep changing"

		Expect(stale()).To(Equal(250 * time.Millisecond))
		Expect(stale()).To(Equal(500 * time.Millisecond))
		Expect(e.logged).NotTo(ContainElement(ContainSubstring(message)))
		Expect(stale()).To(Equal(time.Second))
		Expect(e.logged).To(ContainElement(ContainSubstring(message)))
		for range 10 {
			stale()
		}
		Expect(stale()).To(Equal(32 * time.Second))

		e.reconcile()
		Expect(e.writes).To(ContainElement("patch Cluster carrot67"))
		old := e.now(h.cluster)
		old.Object["spec"] = h.cluster.Object["spec"]
		Expect(e.admin.Update(e.ctx, old)).To(Succeed())
		Expect(stale()).To(Equal(250*time.Millisecond), "an answer that is not stale resets the count")
	})
})
