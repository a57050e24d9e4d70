package controllers_test

import (
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	fieldvalidation "k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

var _ = besideKubeBlocks("A replacement of a Restore's rules that was begun", func(e *env) {
	// begun takes the rules of a Restore, and notes what comes next.
	begun := func(h *stuckRestore, next string) {
		GinkgoHelper()
		e.merge(h.restore, `{"metadata":{"annotations":{"`+v1alpha1.AnnotationSchedulingSpec+`":`+asJSON(next)+`}}}`)
		e.merge(h.restore, `{"spec":{"prepareDataConfig":{"schedulingSpec":null}}}`)
	}
	rules := func(h *stuckRestore) any {
		GinkgoHelper()
		spec, _, err := unstructured.NestedFieldNoCopy(e.now(h.restore).Object, "spec", "prepareDataConfig", "schedulingSpec")
		Expect(err).NotTo(HaveOccurred())
		return spec
	}

	DescribeTable("is finished", func(change func(h *stuckRestore)) {
		h := e.stuckRestore(clusterStale)
		begun(h, asJSON(rehometesting.Apart(target)))
		change(h)

		_, err := e.tryReconcile()

		Expect(err).NotTo(HaveOccurred())
		Expect(e.writes).To(ConsistOf("patch Restore " + h.restore.GetName()))
		Expect(rules(h)).To(Equal(rehometesting.Apart(target)))
		Expect(e.now(h.restore).GetAnnotations()).NotTo(HaveKey(v1alpha1.AnnotationSchedulingSpec))
	},
		Entry("before anything else", func(*stuckRestore) {}),
		Entry("in mode Observe", func(*stuckRestore) { e.reconciler.Config.Mode = configv1alpha1.Observe }),
		Entry("in mode Disabled", func(*stuckRestore) { e.reconciler.Config.Mode = configv1alpha1.Disabled }),
		Entry("in an invalid mode", func(*stuckRestore) {
			e.merge(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: e.namespace}}, `{"metadata":{"annotations":{"rehome.kubeblocks.io/mode":"off"}}}`)
		}),
		Entry("when the Backup is gone", func(h *stuckRestore) { e.remove(h.backup) }),
		Entry("when the Backup cannot be read", func(*stuckRestore) { e.refused["Backup"] = errors.New("the API server is down") }),
		Entry("when Pods cannot be listed", func(*stuckRestore) { e.refused["PodList"] = errors.New("the API server is down") }),
		Entry("when the snapshot holds no rules any more", func(h *stuckRestore) {
			e.remove(h.backup)
			e.create(rehometesting.MakeBackup(e.namespace, backup).
				Of(rehometesting.MakeCluster(e.generation, e.namespace, source).Component("mysql", rehometesting.Apart()).Obj()).Obj())
		}),
		Entry("when another generation of KubeBlocks owns the Cluster", func(h *stuckRestore) {
			e.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/crd-api-version":"`+e.generation.Other.String()+`"}}}`)
		}),
		Entry("when its Pods live behind other API servers", func(h *stuckRestore) {
			e.merge(h.cluster, `{"metadata":{"annotations":{"apps.kubeblocks.io/multi-cluster-placement":"east"}}}`)
		}),
		Entry("when the Restore failed", func(h *stuckRestore) { e.mergeStatus(h.restore, `{"status":{"phase":"Failed"}}`) }),
	)

	It("is finished when the Namespace's budget for large Clusters is spent", func() {
		h := e.stuckRestore(clusterStale)
		e.spendBudget(h)
		begun(h, asJSON(rehometesting.Apart(target)))

		e.reconcile()

		Expect(rules(h)).To(Equal(rehometesting.Apart(target)))
	})

	It("is finished in mode Disabled when KubeBlocks wrote empty rules in between", func() {
		h := e.stuckRestore(clusterStale)
		begun(h, asJSON(rehometesting.Apart(target)))
		e.merge(h.restore, `{"spec":{"prepareDataConfig":{"schedulingSpec":{}}}}`)
		e.reconciler.Config.Mode = configv1alpha1.Disabled

		e.reconcile()
		e.reconcile()

		Expect(rules(h)).To(Equal(rehometesting.Apart(target)))
		e.reconcile()
		Expect(e.writes).To(BeEmpty())
	})

	It("is not touched in mode Disabled when somebody wrote rules in between", func() {
		h := e.stuckRestore(clusterStale)
		begun(h, asJSON(rehometesting.Apart(target)))
		e.merge(h.restore, `{"spec":{"prepareDataConfig":{"schedulingSpec":`+asJSON(rehometesting.Apart("web1"))+`}}}`)
		e.reconciler.Config.Mode = configv1alpha1.Disabled

		e.reconcile()

		Expect(e.writes).To(BeEmpty())
	})

	DescribeTable("is reported when nothing shows the rules to add", func(next string) {
		h := e.stuckRestore(clusterRewritten)
		begun(h, next)

		e.reconcile()

		Expect(e.writes).To(ConsistOf("patch status of Restore " + h.restore.GetName()))
		Expect(e.condition(h.restore)).To(SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonInvalidRule),
			HaveField("Message", ContainSubstring(v1alpha1.AnnotationSchedulingSpec))))
		Expect(rules(h)).To(BeNil())
	},
		Entry("because they are not JSON", "{"),
		Entry("because they are no object", `"rules"`),
		Entry("because they are empty", "{}"),
	)

	It("never takes rules from a Restore whose annotation holds no others", func() {
		h := e.stuckRestore(clusterRewritten)
		e.merge(h.restore, `{"metadata":{"annotations":{"`+v1alpha1.AnnotationSchedulingSpec+`":"{"}}}`)

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement("patch Restore " + h.restore.GetName()))
		Expect(rules(h)).To(Equal(rehometesting.Apart(source)))
	})

	It("does not count as refused when another Restore has the name by then", func() {
		h := e.stuckRestore(clusterRewritten)
		begun(h, asJSON(rehometesting.Apart(target)))
		e.before["patch Restore"] = func() {
			e.remove(h.restore)
			e.create(rehometesting.MakeRestore(e.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Stale(target).Obj())
		}

		Expect(e.reconcile().RequeueAfter).To(Equal(250 * time.Millisecond))

		Expect(e.writes).To(ConsistOf("patch Restore "+h.restore.GetName()), "nothing is reported")
	})

	It("is reported when the API server refuses the rules to add, and tried again", func() {
		h := e.stuckRestore(clusterRewritten)
		begun(h, asJSON(rehometesting.Apart(target)))
		invalid := fieldvalidation.ErrorList{fieldvalidation.Invalid(fieldvalidation.NewPath("spec", "x"), "y", "must be z")}
		e.refused["patch Restore "+h.restore.GetName()] = apierrors.NewInvalid(schema.GroupKind{Kind: "Restore"}, h.restore.GetName(), invalid)

		result := e.reconcile()

		Expect(e.condition(h.restore)).To(SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonInvalidRule),
			HaveField("Message", ContainSubstring("must be z"))))
		Expect(result.RequeueAfter).To(Equal(5 * time.Minute))

		delete(e.refused, "patch Restore "+h.restore.GetName())
		e.reconcile()
		Expect(rules(h)).To(Equal(rehometesting.Apart(target)))
	})
})
