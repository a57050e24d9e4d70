package admission_test

import (
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// Clients send the manifest of before the restore again and again, each in its own way.
var _ = Describe("A stale manifest that is applied after the restore", func() {
	var w *env
	BeforeEach(func() { w = newEnv() })

	// serverSide is what Flux and Argo CD send.
	serverSide := func(manifest *unstructured.Unstructured, options ...client.ApplyOption) {
		GinkgoHelper()
		options = append(options, client.FieldOwner("gitops"), client.ForceOwnership)
		Expect(w.admin.Apply(w.ctx, client.ApplyConfigurationFromUnstructured(manifest), options...)).To(Succeed())
	}
	// manifest is the stale one, as kubectl saves it in the object.
	manifest := func() (*unstructured.Unstructured, []byte) {
		GinkgoHelper()
		kiwi := w.restored()
		data, err := json.Marshal(kiwi.Object)
		Expect(err).NotTo(HaveOccurred())
		annotations := kiwi.GetAnnotations()
		annotations[corev1.LastAppliedConfigAnnotation] = string(data)
		kiwi.SetAnnotations(annotations)
		modified, err := json.Marshal(kiwi.Object)
		Expect(err).NotTo(HaveOccurred())
		return kiwi, modified
	}

	It("changes nothing where kubectl apply merges it", func() {
		kiwi, modified := manifest()
		w.create(kiwi)
		before := w.get(kiwi)
		current, err := json.Marshal(before.Object)
		Expect(err).NotTo(HaveOccurred())
		merge, err := jsonmergepatch.CreateThreeWayJSONMergePatch(modified, modified, current)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(merge)).To(ContainSubstring("my1"), "kubectl sees a difference and sends it")
		w.warnings.take()

		Expect(w.admin.Patch(w.ctx, kiwi, client.RawPatch(types.MergePatchType, merge))).To(Succeed())

		Expect(w.get(kiwi).Object["spec"]).To(Equal(before.Object["spec"]))
		Expect(w.get(kiwi).GetGeneration()).To(Equal(before.GetGeneration()))
		Expect(w.warnings.take()).To(ConsistOf(HavePrefix("Rehome kept 1 scheduling rule of kiwi")))
	})

	It("shows no difference to Flux and Argo CD, which compare a dry run with the live object", func() {
		serverSide(w.restored())
		live := w.get(w.restored())

		wanted := w.restored()
		serverSide(wanted, client.DryRunAll)

		for _, obj := range []*unstructured.Unstructured{live, wanted} {
			obj.SetManagedFields(nil)
			obj.SetResourceVersion("")
		}
		Expect(wanted.Object).To(Equal(live.Object))
	})

	It("shows a difference that is none of Rehome's", func() {
		serverSide(w.restored())
		wanted := w.restored()
		Expect(unstructured.SetNestedField(wanted.Object, "WipeOut", "spec", "terminationPolicy")).To(Succeed())
		serverSide(wanted, client.DryRunAll)

		Expect(names(wanted)).To(Equal("kiwi"))
		policy, _, _ := unstructured.NestedString(wanted.Object, "spec", "terminationPolicy")
		Expect(policy).To(Equal("WipeOut"))
	})

	It("changes nothing through v1alpha1", func() {
		kiwi := w.restored()
		w.create(kiwi)
		before := w.get(kiwi)
		stale := w.restored()
		stale.SetAPIVersion(kubeblocks.AppsV1alpha1.String())
		serverSide(stale)

		Expect(w.get(kiwi).Object["spec"]).To(Equal(before.Object["spec"]))
	})
})

var _ = Describe("A Cluster that is annotated by hand", func() {
	It("keeps its rules until the operator decides: an update rewrites nothing", func() {
		w := newEnv()
		kiwi := w.restored()
		annotation := kiwi.GetAnnotations()[kubeblocks.AnnotationRestoreFromBackup]
		kiwi.SetAnnotations(nil)
		w.create(kiwi)
		live := w.get(kiwi)
		live.SetAnnotations(map[string]string{kubeblocks.AnnotationRestoreFromBackup: annotation})
		Expect(unstructured.SetNestedField(live.Object, "Delete", "spec", "terminationPolicy")).To(Succeed())
		Expect(w.admin.Update(w.ctx, live)).To(Succeed())

		Expect(names(w.get(kiwi))).To(Equal("my1"))
		Expect(w.warnings.take()).To(BeEmpty())
	})
})

var _ = Describe("A Cluster and its Backup that are applied at once", func() {
	It("are both created, and the next Cluster of that Backup is rewritten", func() {
		w := newEnv()
		early := rehometesting.MakeCluster(rehometesting.V10(), w.namespace, "early").Component("mysql", rehometesting.Apart("my1")).
			RestoredFrom("mysql", "bp2").Obj()
		w.create(early)
		Expect(names(w.get(early))).To(Equal("my1"))
		Expect(w.warnings.take()).To(ConsistOf(ContainSubstring("a Backup that it names cannot be read")))

		w.create(rehometesting.MakeBackup(w.namespace, "bp2").Of(w.source()).Obj())
		kiwi := rehometesting.MakeCluster(rehometesting.V10(), w.namespace, "kiwi").Component("mysql", rehometesting.Apart("my1")).
			RestoredFrom("mysql", "bp2").Obj()
		w.create(kiwi)

		Expect(names(w.get(kiwi))).To(Equal("kiwi"))
	})
})
