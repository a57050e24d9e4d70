package controllers_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// What the objects of one tenant cost, and what they show of others.
var _ = besideEachGeneration("The Backups of a Cluster", func(e *env) {
	restoredFrom := func(h *stuckRestore, annotation string) {
		GinkgoHelper()
		e.merge(h.cluster, `{"metadata":{"annotations":{"`+kubeblocks.AnnotationRestoreFromBackup+`":`+asJSON(annotation)+`}}}`)
	}
	policy := func() *metav1.Condition {
		return meta.FindStatusCondition(e.rehoming().Status.Conditions, v1alpha1.RehomingPolicyRehomed)
	}

	// Review: TestReviewManyNames, TestReviewLookNeverEnds.
	It("are read once per component, however many the annotation names", func() {
		h := e.stuckRestore(clusterStale)
		var b strings.Builder
		for i := range 5000 {
			fmt.Fprintf(&b, `"%d":{"name":"b%d"},`, i, i)
		}
		restoredFrom(h, `{`+b.String()+`"mysql":{"name":"bp1"},"proxy":{"name":"bp1"}}`)

		e.reconcile()

		Expect(e.reads["get Backup"]).To(Equal(1))
		Expect(e.writes).To(Equal([]string{"patch Cluster carrot67"}))
	})

	It("are read up to a number, and the report says so", func() {
		h := e.stuckRestore(clusterStale)
		for i := range 40 {
			e.create(rehometesting.MakeRestore(e.namespace, fmt.Sprintf("carrot67-%02d-preparedata", i)).Of(h.component).
				Backup(fmt.Sprintf("bp1-%02d", i)).Policy(rehometesting.Apart(target)).Obj())
		}

		e.reconcile()

		Expect(e.reads["get Backup"]).To(Equal(32))
		e.reconcile()
		Expect(e.rehoming().Status.Backups).To(BeEmpty())
		Expect(ready(e.rehoming())).To(Equal(v1alpha1.ReasonSourceUnknown))
	})

	It("are used although another one cannot be read, which is reported to the end", func() {
		h := e.stuckRestore(clusterStale)
		restoredFrom(h, `{"mysql":{"name":"bp1"},"proxy":{"name":"bp2"}}`)

		e.reconcile()
		Expect(e.writes).To(Equal([]string{"patch Cluster carrot67"}))
		e.reconcile()
		Expect(*policy()).To(HaveField("Message", ContainSubstring(`"bp2" not found`)))

		e.remove(h.pod, h.job, h.restore)
		e.merge(h.component, `{"spec":`+asJSON(map[string]any{"schedulingPolicy": rehometesting.Apart(target)})+`}`)
		restore := rehometesting.MakeRestore(e.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Policy(rehometesting.Apart(target)).Obj()
		e.create(restore)
		e.mergeStatus(restore, `{"status":{"phase":"Completed"}}`)
		e.reconcile()
		e.reconcile()
		Expect(e.condition(restore)).To(say(metav1.ConditionTrue, v1alpha1.ReasonRehomed))
		Expect(policy()).To(say(metav1.ConditionUnknown, v1alpha1.ReasonSourceUnknown), "%s", asJSON(policy()))
	})

	It("are read up to a size, whatever of their metadata is large", func() {
		h := e.stuckRestore(clusterStale)
		labels := map[string]string{}
		for i := range 14000 {
			labels[fmt.Sprintf("label-%d", i)] = strings.Repeat("x", 63)
		}
		for _, name := range []string{"bp1-0", "bp1-1", "bp1-2"} {
			large := rehometesting.MakeBackup(e.namespace, name).Of(h.source).Obj()
			large.SetLabels(labels)
			e.create(large, rehometesting.MakeRestore(e.namespace, "carrot67-"+name).Of(h.component).Backup(name).Policy(rehometesting.Apart(target)).Obj())
		}

		e.reconcile()

		Expect(e.reads["get Backup"]).To(Equal(3), "bp1, one that fits, and one that does not")
		e.reconcile()
		Expect(*policy()).To(HaveField("Message", ContainSubstring("bp1-1")))
	})

	It("are read later when large ones of the Namespace were read too often", func() {
		h := e.stuckRestore(clusterStale)
		result := e.spendBudget(h)

		Expect(e.reads["get Backup"]).To(BeZero())
		Expect(e.writes).To(BeEmpty())
		e.clock.Step(result.RequeueAfter)
		e.reconcile()
		Expect(e.reads["get Backup"]).To(Equal(1))
		Expect(e.writes).To(Equal([]string{"patch Cluster carrot67"}))
	})

	It("are read later, too, when the rules of Restores make the Cluster large", func() {
		h := e.stuckRestore(clusterStale)
		many := rehometesting.Apart(target)
		rule := map[string]any{"maxSkew": int64(1), "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
		many["topologySpreadConstraints"] = slices.Repeat([]any{rule}, 1000) // 250 KiB
		e.create(rehometesting.MakeRestore(e.namespace, "carrot67-many").Of(h.component).Backup(backup).Policy(many).Obj())
		e.reconciler.Config.Mode = configv1alpha1.Observe
		for range 20 {
			e.reconcile()
		}

		Expect(e.reads).NotTo(HaveKey("get Backup"))
	})

	Describe("in another Namespace", func() {
		var other string
		elsewhere := func() *stuckRestore {
			GinkgoHelper()
			namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "other-"}}
			Expect(e.admin.Create(e.ctx, namespace)).To(Succeed())
			other = namespace.Name
			h := e.stuckRestore(clusterStale)
			e.remove(h.backup, h.pod, h.job, h.restore)
			restoredFrom(h, `{"mysql":{"name":"bp1","namespace":"`+other+`"}}`)
			return h
		}
		theirs := func(h *stuckRestore, change func(*unstructured.Unstructured)) *unstructured.Unstructured {
			GinkgoHelper()
			b := rehometesting.MakeBackup(other, backup).Of(h.source).Obj()
			change(b)
			e.create(b)
			return b
		}

		It("that cannot be used yield one message, whatever the cause", func() {
			h := elsewhere()
			messages := map[string]bool{}
			look := func() {
				GinkgoHelper()
				result := e.reconcile()
				Expect(result.RequeueAfter).To(Equal(5 * time.Minute))
				Expect(policy()).To(say(metav1.ConditionUnknown, v1alpha1.ReasonSourceUnknown))
				messages[policy().Message] = true
			}
			look() // missing
			e.refused["Backup"] = apierrors.NewForbidden(schema.GroupResource{Resource: "backups"}, backup, nil)
			look()
			delete(e.refused, "Backup")
			b := theirs(h, func(b *unstructured.Unstructured) { b.SetAnnotations(nil) })
			look()
			e.merge(b, `{"metadata":{"annotations":{"`+kubeblocks.AnnotationClusterSnapshot+`":"{"}}}`)
			look()
			Expect(messages).To(HaveLen(1))
			Expect(strings.Join(e.logged, "\n")).To(ContainSubstring("not JSON at byte"))
		})

		It("show no rule that the Cluster does not have", func() {
			h := elsewhere()
			b := theirs(h, func(*unstructured.Unstructured) {})
			snapshot := snapshotOf(e.cluster(source, source).Obj())
			e.merge(b, `{"metadata":{"annotations":{"`+kubeblocks.AnnotationClusterSnapshot+`":`+
				asJSON(asJSON(withTerms(snapshot, apartFrom("secret"), apartFrom(source))))+`}}}`)

			e.reconcile()
			Expect(e.writes).To(Equal([]string{"patch Cluster carrot67"}))
			e.reconcile()
			Expect(asJSON(e.rehoming().Status)).NotTo(ContainSubstring("secret"))
			Expect(asJSON(e.rehoming().Status)).To(ContainSubstring(source))
		})

		It("do not even show their source where no rule is inherited", func() {
			h := elsewhere()
			theirs(h, func(b *unstructured.Unstructured) {
				b.SetAnnotations(map[string]string{kubeblocks.AnnotationClusterSnapshot: asJSON(named(snapshotOf(e.cluster("secret", "secret").Obj()), "secret"))})
			})
			e.reconcile()
			Expect(asJSON(e.rehoming().Status)).NotTo(ContainSubstring("secret"))
		})

		It("are not read where the configuration forbids it", func() {
			h := elsewhere()
			theirs(h, func(*unstructured.Unstructured) {})
			e.reconciler.Config.CrossNamespaceBackups = ptr.To(false)
			e.unobserved = true

			e.reconcile()

			Expect(e.reads["get Backup"]).To(BeZero())
			Expect(e.writes).To(BeEmpty())
			Expect(policy()).To(SatisfyAll(say(metav1.ConditionUnknown, v1alpha1.ReasonSourceUnknown),
				HaveField("Message", ContainSubstring("crossNamespaceBackups is false"))))
		})
	})

	It("are compared with no more rules of the Cluster than all its snapshots can have", func() {
		h := e.stuckRestore(clusterStale)
		many := rehometesting.Apart(source)
		Expect(unstructured.SetNestedField(many, slices.Repeat([]any{apartFrom(source)}, 4001),
			"affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")).To(Succeed())
		e.merge(h.cluster, `{"spec":{"componentSpecs":[{"name":"mysql","schedulingPolicy":`+asJSON(many)+`}]}}`)

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement(HavePrefix("patch Cluster")))
		Expect(policy()).To(HaveField("Reason", v1alpha1.ReasonInvalidRule))
	})

	// Review: TestReviewHostileSnapshotMemory, TestReviewManyHostileBackups. Of the live heap; the test server's client allocates too.
	DescribeTable("take little memory, however large they are", func(liveRules int) {
		h := e.stuckRestore(clusterStale)
		const element = `{"maxSkew":1,"topologyKey":"k%d","whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app.kubernetes.io/instance":"my1","a":"b"}}}`
		constraints := make([]string, 990)
		for i := range constraints {
			constraints[i] = fmt.Sprintf(element, i)
		}
		snapshot := `{"metadata":{"name":"my1"},"spec":{"componentSpecs":[{"name":"mysql","schedulingPolicy":{"topologySpreadConstraints":[` + strings.Join(constraints, ",") + `]}}]}}`
		if liveRules > 0 {
			live := `{"topologySpreadConstraints":[` + strings.Join(slices.Repeat(constraints, 4)[:liveRules], ",") + `]}`
			e.merge(h.cluster, `{"spec":{"componentSpecs":[{"name":"mysql","schedulingPolicy":`+live+`}]}}`)
			e.merge(h.component, `{"spec":{"schedulingPolicy":`+live+`}}`)
		}
		for i := range 33 {
			name := fmt.Sprintf("bp1-%02d", i)
			b := rehometesting.MakeBackup(e.namespace, name).Of(h.source).Obj()
			b.SetAnnotations(map[string]string{kubeblocks.AnnotationClusterSnapshot: snapshot})
			e.create(b)
			e.create(rehometesting.MakeRestore(e.namespace, "carrot67-"+name).Of(h.component).Backup(name).Policy(rehometesting.Apart(target)).Obj())
		}
		e.unobserved = true
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		e.reconcile()
		Expect(time.Since(start)).To(BeNumerically("<", 10*time.Second)) // 2 s on a quiet machine
		runtime.ReadMemStats(&after)
		GinkgoWriter.Printf("allocated %d MiB in %v\n", (after.TotalAlloc-before.TotalAlloc)>>20, time.Since(start))
		Expect(after.TotalAlloc - before.TotalAlloc).To(BeNumerically("<", 64<<20))
	},
		Entry("beside a small Cluster", Serial, 0),
		Entry("beside a Cluster and a Component with nearly as many rules as are compared", Serial, 3900),
	)
})

var _ = besideEachGeneration("A history that somebody else wrote", func(e *env) {
	It("of an unknown version stops the Cluster, and says so", func() {
		h := e.stuckRestore(clusterRewritten)
		e.merge(h.cluster, `{"metadata":{"annotations":{"`+v1alpha1.AnnotationHistory+`":`+
			asJSON(fmt.Sprintf(`{"version":2,"uid":%q}`, e.now(h.cluster).GetUID()))+`}}}`)

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement(HavePrefix("delete")))
		Expect(ready(e.rehoming())).To(Equal(v1alpha1.ReasonInvalidHistory))
		Expect(e.condition(h.restore)).To(SatisfyAll(say(metav1.ConditionUnknown, v1alpha1.ReasonInvalidHistory),
			HaveField("Message", ContainSubstring("another version"))))
	})

	// Review: TestReviewForgedLedgerStopsEverybody.
	It("delays nobody in another Namespace", func() {
		h := e.stuckRestore(clusterRewritten)
		tenant := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "tenant-"}}
		Expect(e.admin.Create(e.ctx, tenant)).To(Succeed())
		evil := rehometesting.MakeCluster(e.generation, tenant.Name, "evil").Component("mysql", rehometesting.Apart(source)).Obj()
		e.create(evil)
		DeferCleanup(func() { e.remove(evil) })
		var forged []string
		for i := range 1000 {
			forged = append(forged, fmt.Sprintf(`{"kind":"Restore","name":"x%d","uids":[],"time":"2999-01-01T00:00:00Z"}`, i))
		}
		e.merge(evil, `{"metadata":{"annotations":{"`+v1alpha1.AnnotationHistory+`":`+
			asJSON(fmt.Sprintf(`{"version":1,"uid":%q,"attempts":[%s]}`, evil.GetUID(), strings.Join(forged, ",")))+`}}}`)
		e.reconciler = e.newReconciler()

		e.reconcile()

		Expect(e.writes).To(ContainElement("delete Restore " + h.restore.GetName()))
	})
})

// spendBudget makes the Backup of a Restore large, and reconciles in mode Observe until that Cluster has to wait.
func (e *env) spendBudget(h *stuckRestore) (result ctrl.Result) {
	GinkgoHelper()
	snapshot := h.backup.GetAnnotations()[kubeblocks.AnnotationClusterSnapshot] + strings.Repeat(" ", 200<<10)
	e.merge(h.backup, `{"metadata":{"annotations":{"`+kubeblocks.AnnotationClusterSnapshot+`":`+asJSON(snapshot)+`}}}`)
	mode := e.reconciler.Config.Mode
	e.reconciler.Config.Mode = configv1alpha1.Observe
	for range 22 { // 4 MiB
		result = e.reconcile()
	}
	e.reconciler.Config.Mode = mode
	return result
}
