package admission_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/admission"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/metrics"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// env is a Namespace with a Backup bp1 of a Cluster my1.
type env struct {
	namespace string
	admin     client.Client
	warnings  *warnings
	ctx       context.Context
}

// warnings collects what the API server warns of.
type warnings struct {
	mu    sync.Mutex
	texts []string
}

func (w *warnings) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, text)
}

func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	texts := w.texts
	w.texts = nil
	return texts
}

func newEnv() *env {
	GinkgoHelper()
	w := &env{warnings: &warnings{}, ctx: context.Background()}
	config := rest.CopyConfig(adminConfig)
	config.WarningHandlerWithContext = w.warnings
	w.admin = newClient(config)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	Expect(w.admin.Create(w.ctx, namespace)).To(Succeed())
	w.namespace = namespace.Name
	w.backup()
	return w
}

func (w *env) backup() {
	GinkgoHelper()
	Expect(w.admin.Create(w.ctx, rehometesting.MakeBackup(w.namespace, "bp1").Of(w.source()).Obj())).To(Succeed())
}

func (w *env) source() *unstructured.Unstructured {
	return rehometesting.MakeCluster(rehometesting.V10(), w.namespace, "my1").Component("mysql", rehometesting.Apart("my1")).Obj()
}

// restored is a Cluster kiwi that is restored from bp1.
func (w *env) restored() *unstructured.Unstructured {
	return rehometesting.MakeCluster(rehometesting.V10(), w.namespace, "kiwi").Component("mysql", rehometesting.Apart("my1")).
		RestoredFrom("mysql", "bp1").Obj()
}

func (w *env) create(obj client.Object) {
	GinkgoHelper()
	Expect(w.admin.Create(w.ctx, obj)).To(Succeed())
}

func (w *env) get(like *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	return w.getAt("", like)
}

// cached returns an object as it is in the cache of the API server.
func (w *env) cached(like *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	return w.getAt("0", like)
}

func (w *env) getAt(resourceVersion string, like *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(like.GroupVersionKind())
	options := &client.GetOptions{Raw: &metav1.GetOptions{ResourceVersion: resourceVersion}}
	Expect(w.admin.Get(w.ctx, client.ObjectKeyFromObject(like), obj, options)).To(Succeed())
	return obj
}

// names returns the clusters that an object's rules name.
func names(obj *unstructured.Unstructured) string {
	GinkgoHelper()
	data, err := json.Marshal(obj.Object["spec"])
	Expect(err).NotTo(HaveOccurred())
	var found []string
	for _, name := range []string{"my1", "kiwi", "web1"} {
		if strings.Contains(string(data), fmt.Sprintf("%q:%q", kubeblocks.LabelInstance, name)) {
			found = append(found, name)
		}
	}
	return strings.Join(found, " ")
}

// managed adds the label to a selector that database Pods and restore Pods have with different values.
func managed(by map[string]any) map[string]any {
	more := maps.Clone(by)
	more[kubeblocks.LabelManagedBy] = "kubeblocks"
	return more
}

const rewroteOne = "Rehome rewrote 1 scheduling rule inherited from my1 to kiwi"

var _ = Describe("A Cluster that is created", func() {
	var w *env
	BeforeEach(func() { w = newEnv() })

	// served serves the webhook beside a KubeBlocks that serves these kinds.
	served := func(served kubeblocks.Served) {
		before := handler.Handler
		DeferCleanup(func() { handler.Handler = before })
		handler.Handler = admission.NewHandler(rehome, served, configv1alpha1.Defaults(), metrics.New(prometheus.NewRegistry(), "test")).Webhook()
	}

	It("names itself from the start", func() {
		kiwi := w.restored()
		w.create(kiwi)

		Expect(names(w.get(kiwi))).To(Equal("kiwi"))
		Expect(w.warnings.take()).To(Equal([]string{rewroteOne}))
		Expect(w.get(kiwi).GetGeneration()).To(BeNumerically("==", 1))
	})

	It("is rewritten through v1alpha1, too", func() {
		kiwi := w.restored()
		kiwi.SetAPIVersion(kubeblocks.AppsV1alpha1.String())
		w.create(kiwi)

		Expect(names(w.get(kiwi))).To(Equal("kiwi"))
	})

	It("is rewritten by a server-side apply", func() {
		kiwi := w.restored()
		Expect(w.admin.Apply(w.ctx, client.ApplyConfigurationFromUnstructured(kiwi), client.FieldOwner("flux"))).To(Succeed())

		Expect(names(w.get(kiwi))).To(Equal("kiwi"))
	})

	It("shows the rewrite in a dry run", func() {
		kiwi := w.restored()
		Expect(w.admin.Create(w.ctx, kiwi, client.DryRunAll)).To(Succeed())

		Expect(names(kiwi)).To(Equal("kiwi"))
		Expect(w.admin.Get(w.ctx, client.ObjectKeyFromObject(kiwi), w.restored())).NotTo(Succeed())
	})

	It("names its Backup in spec.restore", func() {
		kiwi := w.restored()
		kiwi.SetAnnotations(nil)
		source := map[string]any{"apiGroup": "dataprotection.kubeblocks.io", "kind": "Backup", "name": "bp1", "namespace": w.namespace}
		Expect(unstructured.SetNestedMap(kiwi.Object, source, "spec", "restore", "source")).To(Succeed())
		w.create(kiwi)

		Expect(names(w.get(kiwi))).To(Equal("kiwi"))
	})

	It("keeps every field that Rehome does not know", func() {
		kiwi := w.restored()
		Expect(unstructured.SetNestedField(kiwi.Object, map[string]any{"deep": []any{"x", int64(9007199254740993)}}, "spec", "unknown")).To(Succeed())
		w.create(kiwi)

		unknown, _, err := unstructured.NestedSlice(w.get(kiwi).Object, "spec", "unknown", "deep")
		Expect(err).NotTo(HaveOccurred())
		Expect(unknown).To(Equal([]any{"x", int64(9007199254740993)}))
	})

	It("keeps its rules where it was not restored", func() {
		kiwi := w.restored()
		kiwi.SetAnnotations(nil)
		w.create(kiwi)

		Expect(names(w.get(kiwi))).To(Equal("my1"))
		Expect(w.warnings.take()).To(BeEmpty())
	})

	It("keeps a rule that is in no snapshot", func() {
		kiwi := rehometesting.MakeCluster(rehometesting.V10(), w.namespace, "kiwi").Component("proxy", rehometesting.Apart("my1")).
			RestoredFrom("proxy", "bp1").Obj()
		w.create(kiwi)

		Expect(names(w.get(kiwi))).To(Equal("my1"))
	})

	It("is left to the operator while its name is not known", func() {
		kiwi := w.restored()
		kiwi.SetName("")
		kiwi.SetGenerateName("kiwi-")
		w.create(kiwi)

		Expect(names(w.get(kiwi))).To(Equal("my1"))
		Expect(w.warnings.take()).To(ConsistOf(ContainSubstring("the name is generated")))
	})

	It("is left to the operator while its Backup is missing", func() {
		kiwi := rehometesting.MakeCluster(rehometesting.V10(), w.namespace, "kiwi").Component("mysql", rehometesting.Apart("my1")).
			RestoredFrom("mysql", "bp2").Obj()
		w.create(kiwi)

		Expect(names(w.get(kiwi))).To(Equal("my1"))
		Expect(w.warnings.take()).To(ConsistOf(ContainSubstring("a Backup that it names cannot be read")))
	})

	It("is left to the operator while volume claims of its name exist", func() {
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{
			Namespace: w.namespace, Name: "data-kiwi-mysql-0", Labels: map[string]string{kubeblocks.LabelInstance: "kiwi"},
		}}
		claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
		claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: *quantity("1Gi")}
		w.create(claim)
		kiwi := w.restored()
		w.create(kiwi)

		Expect(names(w.get(kiwi))).To(Equal("my1"))
		Expect(w.warnings.take()).To(ConsistOf(ContainSubstring("volume claims of this name exist")))
	})

	It("is left to the operator while its volumes are restored one after another", func() {
		kiwi := w.restored()
		annotations := kiwi.GetAnnotations()
		annotations[kubeblocks.AnnotationRestoreFromBackup] = strings.Replace(annotations[kubeblocks.AnnotationRestoreFromBackup], "Parallel", "Serial", 1)
		kiwi.SetAnnotations(annotations)
		w.create(kiwi)

		Expect(names(w.get(kiwi))).To(Equal("my1"))
		Expect(w.warnings.take()).To(ConsistOf(ContainSubstring("restored one after another")))
	})

	// restoredWith restores a Cluster kiwi from a Cluster with this policy.
	restoredWith := func(policy map[string]any) *unstructured.Unstructured {
		GinkgoHelper()
		source := rehometesting.MakeCluster(rehometesting.V10(), w.namespace, "my1").Component("mysql", policy).Obj()
		w.create(rehometesting.MakeBackup(w.namespace, "bp2").Of(source).Obj())
		kiwi := rehometesting.MakeCluster(rehometesting.V10(), w.namespace, "kiwi").Component("mysql", policy).RestoredFrom("mysql", "bp2").Obj()
		w.create(kiwi)
		return w.get(kiwi)
	}
	v09, v11 := rehometesting.V09().Served(), rehometesting.V11().Served()
	ofMySQL := map[string]any{kubeblocks.LabelInstance: "my1", kubeblocks.LabelComponentName: "mysql"}

	DescribeTable("is rewritten where its restore Pods keep apart as its database Pods will", func(by map[string]any, beside kubeblocks.Served) {
		served(beside)
		Expect(names(restoredWith(rehometesting.ApartBy(by)))).To(Equal("kiwi"))
	},
		Entry("by instance and component, 0.9", ofMySQL, v09),
		Entry("by instance and component, 1.0", ofMySQL, rehometesting.V10().Served()),
		Entry("by instance and component, 1.1", ofMySQL, v11),
		Entry("by workload, 1.0", map[string]any{kubeblocks.LabelInstance: "my1", kubeblocks.LabelWorkload: "my1-mysql"}, rehometesting.V10().Served()),
	)

	DescribeTable("is left to the operator where a rule does not select its restore Pods", func(by map[string]any, beside kubeblocks.Served) {
		served(beside)
		Expect(names(restoredWith(rehometesting.ApartBy(by)))).To(Equal("my1"))
		Expect(w.warnings.take()).To(ConsistOf(HaveSuffix("a required rule does not select the Pods that restore its volumes")))
	},
		Entry("by managed-by, 0.9", managed(ofMySQL), v09),
		Entry("by managed-by, 1.0", managed(ofMySQL), rehometesting.V10().Served()),
		Entry("by managed-by, 1.1", managed(ofMySQL), v11),
		Entry("by workload, 0.9", map[string]any{kubeblocks.LabelInstance: "my1", kubeblocks.LabelWorkload: "my1-mysql"}, v09),
	)

	It("is left to the operator where its restore Pods would wait for its database Pods", func() {
		kiwi := restoredWith(map[string]any{"affinity": map[string]any{"podAffinity": map[string]any{
			"requiredDuringSchedulingIgnoredDuringExecution": []any{map[string]any{
				"topologyKey": corev1.LabelTopologyZone, "labelSelector": map[string]any{"matchLabels": managed(ofMySQL)},
			}},
		}}})
		Expect(names(kiwi)).To(Equal("my1"))
	})

	It("is left to the operator where a rule that spreads its Pods does not select its restore Pods", func() {
		kiwi := restoredWith(map[string]any{"topologySpreadConstraints": []any{map[string]any{
			"maxSkew": int64(1), "topologyKey": corev1.LabelHostname, "whenUnsatisfiable": "DoNotSchedule",
			"labelSelector": map[string]any{"matchLabels": managed(ofMySQL)},
		}}})
		Expect(names(kiwi)).To(Equal("my1"))
	})

	It("is rewritten where only a rule that does not change, or a preferred one, does not select its restore Pods", func() {
		policy := rehometesting.ApartBy(ofMySQL, map[string]any{kubeblocks.LabelManagedBy: "kubeblocks"})
		Expect(unstructured.SetNestedSlice(policy, []any{map[string]any{"weight": int64(1), "podAffinityTerm": map[string]any{
			"topologyKey": "zone", "labelSelector": map[string]any{"matchLabels": managed(ofMySQL)},
		}}}, "affinity", "podAntiAffinity", "preferredDuringSchedulingIgnoredDuringExecution")).To(Succeed())
		Expect(names(restoredWith(policy))).To(Equal("kiwi"))
	})

	It("is rewritten beside KubeBlocks 1.2, whose restore Pods have no such rules", func() {
		served(rehometesting.V12().Served())
		policy := rehometesting.ApartBy(managed(ofMySQL))
		w.create(rehometesting.MakeBackup(w.namespace, "bp2").Of(rehometesting.MakeCluster(rehometesting.V12(), w.namespace, "my1").Component("mysql", policy).Obj()).Obj())
		kiwi := rehometesting.MakeCluster(rehometesting.V12(), w.namespace, "kiwi").Component("mysql", policy).RestoredFrom("mysql", "bp2").Obj()
		w.create(kiwi)
		Expect(names(w.get(kiwi))).To(Equal("kiwi"))
	})

	It("is left to the operator while no claim shows whether the reference to a Backup in another Namespace is kept", func() {
		other := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "backups-"}}
		w.create(other)
		w.create(rehometesting.MakeBackup(other.Name, "bp1").Of(w.source()).Obj())
		kiwi := rehometesting.MakeCluster(rehometesting.V10(), w.namespace, "kiwi").Component("mysql", rehometesting.Apart("my1")).Source(other.Name, "bp1").Obj()
		w.create(kiwi)

		Expect(names(w.get(kiwi))).To(Equal("my1"))
		Expect(w.warnings.take()).To(ConsistOf(ContainSubstring("its Backup is in another Namespace")))
	})

	It("is only warned about in mode Observe, and not in mode Disabled", func() {
		w.mode("Observe")
		kiwi := w.restored()
		w.create(kiwi)
		Expect(names(w.get(kiwi))).To(Equal("my1"))
		Expect(w.warnings.take()).To(ConsistOf(HavePrefix("Rehome would rewrite 1 scheduling rule")))

		By("naming a Backup that does not exist")
		w.create(rehometesting.MakeCluster(rehometesting.V10(), w.namespace, "plum").Component("mysql", rehometesting.Apart("my1")).
			RestoredFrom("mysql", "bp2").Obj())
		Expect(w.warnings.take()).To(ConsistOf("Rehome did not judge the rules of plum: a Backup that it names cannot be read"))

		w.mode("Disabled")
		Expect(w.admin.Delete(w.ctx, kiwi)).To(Succeed())
		w.create(w.restored())
		Expect(w.warnings.take()).To(BeEmpty())
	})

	It("is not rewritten beside KubeBlocks 1.2, which ignores the annotation and starts it empty", func() {
		served(kubeblocks.Served{Apps: kubeblocks.AppsV1, OnlyV1: true})
		kiwi := w.restored()

		w.create(kiwi)

		Expect(names(w.get(kiwi))).To(Equal("my1"))
		Expect(w.warnings.take()).To(BeEmpty())
	})

	It("obeys a Rehoming that exists before it", func() {
		w.create(&v1alpha1.Rehoming{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "kiwi"}, Spec: v1alpha1.RehomingSpec{Mode: "Observe"},
		})
		kiwi := w.restored()
		w.create(kiwi)

		Expect(names(w.get(kiwi))).To(Equal("my1"))
	})

	It("brings no mark of its source into effect", func() {
		kiwi := w.restored()
		w.create(kiwi)
		mark := w.get(kiwi).GetAnnotations()[v1alpha1.AnnotationRewrittenRules]
		// The snapshot of kiwi holds kiwi's mark. plum is restored from it, and its rules are its own.
		plum := rehometesting.MakeCluster(rehometesting.V10(), w.namespace, "plum").Component("mysql", rehometesting.Apart("kiwi")).
			RestoredFrom("mysql", "bp1").Annotation(v1alpha1.AnnotationRewrittenRules, mark).Obj()
		w.create(plum)
		Expect(w.get(plum).GetAnnotations()).NotTo(HaveKey(v1alpha1.AnnotationRewrittenRules))
	})

	It("is rewritten where it has 250 KiB, and CEL does not exceed its budget", func() {
		source, kiwi := w.source(), w.restored()
		for _, c := range []*unstructured.Unstructured{source, kiwi} {
			env := make([]any, 0, 2000)
			for i := range 2000 {
				env = append(env, map[string]any{"name": fmt.Sprintf("VARIABLE_%d", i), "value": strings.Repeat("x", 60)})
			}
			specs, _, _ := unstructured.NestedSlice(c.Object, "spec", "componentSpecs")
			specs[0].(map[string]any)["env"] = env
			Expect(unstructured.SetNestedSlice(c.Object, specs, "spec", "componentSpecs")).To(Succeed())
		}
		w.create(rehometesting.MakeBackup(w.namespace, "large").Of(source).Obj())
		kiwi.SetAnnotations(map[string]string{kubeblocks.AnnotationRestoreFromBackup: fmt.Sprintf(`{"mysql":{"name":"large","namespace":%q}}`, w.namespace)})
		specs := kiwi.DeepCopy().Object["spec"]
		w.create(kiwi)
		Expect(names(w.get(kiwi))).To(Equal("kiwi"))

		By("comparing specs of that size that differ in a rule")
		stale := w.get(kiwi)
		stale.Object["spec"] = specs
		Expect(w.admin.Update(w.ctx, stale)).To(Succeed())
		Expect(names(w.get(kiwi))).To(Equal("kiwi"))
	})
})

var _ = Describe("A Cluster that is updated", func() {
	var w *env
	var kiwi *unstructured.Unstructured
	BeforeEach(func() {
		w = newEnv()
		kiwi = w.restored()
		Expect(w.admin.Apply(w.ctx, client.ApplyConfigurationFromUnstructured(kiwi), client.FieldOwner("flux"))).To(Succeed())
		w.warnings.take()
	})

	apply := func() {
		GinkgoHelper()
		Expect(w.admin.Apply(w.ctx, client.ApplyConfigurationFromUnstructured(w.restored()), client.FieldOwner("flux"), client.ForceOwnership)).To(Succeed())
	}

	It("is not changed by the manifest that it was created from", func() {
		before := w.get(kiwi)
		apply()

		after := w.get(kiwi)
		Expect(after.Object["spec"]).To(Equal(before.Object["spec"]))
		Expect(after.GetGeneration()).To(Equal(before.GetGeneration()))
		Expect(w.warnings.take()).To(ConsistOf(HavePrefix("Rehome kept 1 scheduling rule of kiwi")))
	})

	It("is held when the Backup and the reference to it are gone", func() {
		Expect(w.admin.Delete(w.ctx, rehometesting.MakeBackup(w.namespace, "bp1").Obj())).To(Succeed())
		live := w.get(kiwi)
		annotations := live.GetAnnotations()
		delete(annotations, kubeblocks.AnnotationRestoreFromBackup)
		live.SetAnnotations(annotations)
		Expect(w.admin.Update(w.ctx, live)).To(Succeed())
		stale := w.get(kiwi)
		stale.Object["spec"] = w.restored().Object["spec"]
		Expect(w.admin.Update(w.ctx, stale)).To(Succeed())

		Expect(names(w.get(kiwi))).To(Equal("kiwi"))
	})

	It("is held where the whole object is replaced, and stays marked", func() {
		stale := w.restored()
		stale.SetResourceVersion(w.get(kiwi).GetResourceVersion())
		Expect(w.admin.Update(w.ctx, stale)).To(Succeed())

		Expect(names(w.get(kiwi))).To(Equal("kiwi"))
		Expect(w.get(kiwi).GetAnnotations()).To(HaveKey(v1alpha1.AnnotationRewrittenRules))
	})

	It("gets other changes of the same manifest", func() {
		stale := w.get(kiwi)
		stale.Object["spec"] = w.restored().Object["spec"]
		Expect(unstructured.SetNestedField(stale.Object, "Delete", "spec", "terminationPolicy")).To(Succeed())
		Expect(w.admin.Update(w.ctx, stale)).To(Succeed())

		Expect(names(w.get(kiwi))).To(Equal("kiwi"))
		policy, _, _ := unstructured.NestedString(w.get(kiwi).Object, "spec", "terminationPolicy")
		Expect(policy).To(Equal("Delete"))
	})

	It("is only warned about in mode Observe", func() {
		w.mode("Observe")
		apply()
		Expect(names(w.get(kiwi))).To(Equal("my1"))
		Expect(w.warnings.take()).To(ConsistOf(HavePrefix("Rehome would keep 1 scheduling rule of kiwi")))
	})

	It("is not held in mode Disabled", func() {
		w.mode("Disabled")
		apply()
		Expect(names(w.get(kiwi))).To(Equal("my1"))
		Expect(w.warnings.take()).To(BeEmpty())
	})

	It("is not held without the mark", func() {
		live := w.get(kiwi)
		annotations := live.GetAnnotations()
		delete(annotations, v1alpha1.AnnotationRewrittenRules)
		live.SetAnnotations(annotations)
		Expect(w.admin.Update(w.ctx, live)).To(Succeed())
		// An API server first tries a change on the object in its cache: on the marked one, it would ask the webhook twice.
		Eventually(w.cached).WithArguments(kiwi).WithTimeout(time.Minute).Should(HaveField("GetAnnotations()", Not(HaveKey(v1alpha1.AnnotationRewrittenRules))))
		apply()

		Expect(names(w.get(kiwi))).To(Equal("my1"))
		Expect(w.warnings.take()).To(BeEmpty())
	})

	It("is never rewritten", func() {
		w.mode("Disabled")
		plum := w.restored()
		plum.SetName("plum")
		w.create(plum)
		Expect(w.admin.Patch(w.ctx, plum, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}},"spec":{"terminationPolicy":"Delete"}}`)))).To(Succeed())
		w.mode("Enforce")
		Expect(w.admin.Patch(w.ctx, plum, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"terminationPolicy":"Halt"}}`)))).To(Succeed())

		Expect(names(w.get(plum))).To(Equal("my1"))
	})
})

// mode sets the mode of the Namespace.
func (w *env) mode(mode string) {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.AnnotationMode, mode)
	Expect(w.admin.Patch(w.ctx, namespace, client.RawPatch(types.MergePatchType, []byte(patch)))).To(Succeed())
}
