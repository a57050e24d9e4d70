package admission_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

func quantity(text string) *resource.Quantity { return ptr.To(resource.MustParse(text)) }

var _ = Describe("A Restore that is created", func() {
	var w *env
	var kiwi, component *unstructured.Unstructured
	BeforeEach(func() {
		w = newEnv()
		// The webhook was down when the Cluster was created.
		w.mode("Disabled")
		kiwi = w.restored()
		w.create(kiwi)
		component = rehometesting.MakeComponent(kiwi, "mysql").Policy(rehometesting.Apart("my1")).Obj()
		w.create(component)
		w.mode("Enforce")
	})

	restore := func() *unstructured.Unstructured {
		return rehometesting.MakeRestore(w.namespace, "kiwi-mysql-preparedata").Of(component).Backup("bp1").Stale("my1").Obj()
	}

	claim := func(volume string) *corev1.PersistentVolumeClaim {
		c := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{
			Namespace: w.namespace, Name: "data-kiwi-mysql-0",
			Labels: map[string]string{kubeblocks.LabelInstance: "kiwi", kubeblocks.LabelComponentName: "mysql"},
		}}
		c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
		c.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: *quantity("1Gi")}
		c.Spec.VolumeName = volume
		return c
	}

	// rewritten gives the Cluster the rules that the operator gives it.
	rewritten := func() {
		GinkgoHelper()
		live := w.get(kiwi)
		live.Object["spec"] = rehometesting.MakeCluster(rehometesting.V10(), w.namespace, "kiwi").Component("mysql", rehometesting.Apart("kiwi")).Obj().Object["spec"]
		Expect(w.admin.Update(w.ctx, live)).To(Succeed())
	}

	It("names the restored Cluster, although its Component is stale", func() {
		rewritten()
		r := restore()
		w.create(r)

		Expect(names(w.get(r))).To(Equal("kiwi"))
		Expect(w.warnings.take()).To(ConsistOf(HavePrefix("Rehome rewrote 1 scheduling rule inherited from my1")))
	})

	It("is left to the operator while its Cluster is stale, because the operator may have to leave it so", func() {
		r := restore()
		w.create(r)

		Expect(names(w.get(r))).To(Equal("my1"))
		Expect(w.warnings.take()).To(ConsistOf(HaveSuffix("its Cluster has stale rules, too, and may have to keep them")))
	})

	It("is left to the operator where its rule does not select its own Pods", func() {
		rewritten()
		policy := rehometesting.ApartBy(managed(map[string]any{kubeblocks.LabelInstance: "my1"}))
		source := rehometesting.MakeCluster(rehometesting.V10(), w.namespace, "my1").Component("mysql", policy).Obj()
		w.create(rehometesting.MakeBackup(w.namespace, "bp2").Of(source).Obj())
		r := rehometesting.MakeRestore(w.namespace, "kiwi-mysql-preparedata").Of(component).Backup("bp2").Policy(policy).Obj()
		w.create(r)

		Expect(names(w.get(r))).To(Equal("my1"))
		Expect(w.warnings.take()).To(ConsistOf(HaveSuffix("a required rule does not select the Pods that restore its volumes")))
	})

	It("is left to the operator where no rule of its Cluster is rewritten, because one is invalid", func() {
		invalid := rehometesting.Apart("my1")
		invalid["topologySpreadConstraints"] = []any{map[string]any{"maxSkew": int64(0), "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}}
		live := w.get(kiwi)
		live.Object["spec"] = rehometesting.MakeCluster(rehometesting.V10(), w.namespace, "kiwi").
			Component("mysql", rehometesting.Apart("my1")).Component("proxy", invalid).Obj().Object["spec"]
		Expect(w.admin.Update(w.ctx, live)).To(Succeed())
		r := restore()
		w.create(r)

		Expect(names(w.get(r))).To(Equal("my1"))
	})

	It("is only warned about in mode Observe, and not in mode Disabled", func() {
		w.mode("Observe")
		r := restore()
		w.create(r)
		Expect(names(w.get(r))).To(Equal("my1"))
		Expect(w.warnings.take()).To(ConsistOf(HavePrefix("Rehome would rewrite 1 scheduling rule")))

		w.mode("Disabled")
		other := restore()
		other.SetName("other")
		w.create(other)
		Expect(names(w.get(other))).To(Equal("my1"))
		Expect(w.warnings.take()).To(BeEmpty())
	})

	DescribeTable("of a rewritten Cluster, beside a claim of its Component", func(volume, want string) {
		rewritten()
		w.create(claim(volume))
		r := restore()
		w.create(r)

		Expect(names(w.get(r))).To(Equal(want))
	},
		Entry("is rewritten while that is not bound", "", "kiwi"),
		Entry("is left to the operator when that is bound, because its Pods must keep off the volume", "pv-1", "my1"),
	)

	It("is left alone where it belongs to an operation, or to no Component of the Cluster", func() {
		r := restore()
		r.SetLabels(map[string]string{kubeblocks.LabelInstance: "kiwi", kubeblocks.LabelOpsRequestName: "rebuild"})
		w.create(r)
		Expect(names(w.get(r))).To(Equal("my1"))

		other := restore()
		other.SetName("other")
		other.SetOwnerReferences([]metav1.OwnerReference{{
			APIVersion: kubeblocks.AppsV1.String(), Kind: "Component", Name: component.GetName(), UID: "another", Controller: ptr.To(true),
		}})
		w.create(other)
		Expect(names(w.get(other))).To(Equal("my1"))
	})

	It("is left alone where its Component belongs to a deleted Cluster of the same name", func() {
		live := w.get(component)
		owners := live.GetOwnerReferences()
		Expect(owners).To(HaveLen(1))
		owners[0].UID = "deleted"
		live.SetOwnerReferences(owners)
		Expect(w.admin.Update(w.ctx, live)).To(Succeed())
		r := restore()
		w.create(r)

		Expect(names(w.get(r))).To(Equal("my1"))
	})

	It("is left alone on KubeBlocks 1.2", func() {
		live := w.get(kiwi)
		source := map[string]any{"apiGroup": "dataprotection.kubeblocks.io", "kind": "Backup", "name": "bp1", "namespace": w.namespace}
		Expect(unstructured.SetNestedMap(live.Object, source, "spec", "restore", "source")).To(Succeed())
		Expect(w.admin.Update(w.ctx, live)).To(Succeed())
		r := restore()
		w.create(r)

		Expect(names(w.get(r))).To(Equal("my1"))
	})
})
