package controllers_test

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// node creates a node in a zone. Nodes are shared by all specs, so their names and zones are unique.
func (e *env) node(name, zone string) string {
	GinkgoHelper()
	name = e.namespace + "-" + name
	Expect(e.admin.Create(e.ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
		corev1.LabelHostname: name, corev1.LabelTopologyZone: e.namespace + "-" + zone,
	}}})).To(Succeed())
	return name
}

// claim creates the claim of a database Pod of carrot67. Its volume is bound where a label of a node has that value, or nowhere
// where the value is empty.
func (e *env) claim(ordinal int, label, value string) {
	GinkgoHelper()
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{
		Namespace: e.namespace, Name: fmt.Sprintf("data-%s-mysql-%d", target, ordinal),
		Labels: map[string]string{kubeblocks.LabelInstance: target, kubeblocks.LabelComponentName: "mysql"},
	}}
	claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	if value != "" {
		pv := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{GenerateName: "volume-"}}
		pv.Spec.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
		pv.Spec.AccessModes = claim.Spec.AccessModes
		pv.Spec.HostPath = &corev1.HostPathVolumeSource{Path: "/data"}
		pv.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: label, Operator: corev1.NodeSelectorOpIn, Values: []string{value}}},
		}}}}
		Expect(e.admin.Create(e.ctx, pv)).To(Succeed())
		claim.Spec.VolumeName = pv.Name
	}
	Expect(e.admin.Create(e.ctx, claim)).To(Succeed())
}

// stalePer is the rule that keeps Pods of my1 apart per node or per zone.
func stalePer(topologyKey string) map[string]any {
	terms := requiredTerms(rehometesting.Apart(source))
	terms[0].(map[string]any)["topologyKey"] = topologyKey
	return map[string]any{"affinity": map[string]any{"podAntiAffinity": map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": terms}}}
}

var _ = besideKubeBlocks("A stale rule of a Cluster whose volumes are bound", func(e *env) {
	// restored makes carrot67 with one stale rule and a finished Restore: its Jobs and Pods are gone, and the database is not there.
	restored := func(topologyKey string) {
		GinkgoHelper()
		my1 := rehometesting.MakeCluster(e.generation, e.namespace, source).Component("mysql", stalePer(topologyKey)).Obj()
		cluster := rehometesting.MakeCluster(e.generation, e.namespace, target).Component("mysql", stalePer(topologyKey)).
			RestoredFrom("mysql", backup).Obj()
		e.create(my1, rehometesting.MakeBackup(e.namespace, backup).Of(my1).Obj(), cluster)
		_, restore := e.restoring(cluster, "mysql", stalePer(topologyKey), stalePer(topologyKey))
		e.mergeStatus(restore, `{"status":{"phase":"Completed"}}`)
	}
	staysStale := func(reason string) {
		GinkgoHelper()
		spec := func() any {
			cluster := &unstructured.Unstructured{}
			cluster.SetGroupVersionKind(e.generation.Apps.WithKind("Cluster"))
			Expect(e.admin.Get(e.ctx, client.ObjectKey{Namespace: e.namespace, Name: target}, cluster)).To(Succeed())
			return cluster.Object["spec"]
		}
		before := spec()
		for range 3 {
			e.reconcile()
			Expect(spec()).To(Equal(before))
		}
		Expect(meta.FindStatusCondition(e.rehoming().Status.Conditions, v1alpha1.ConditionReady)).To(HaveValue(SatisfyAll(
			HaveField("Status", metav1.ConditionFalse),
			HaveField("Message", SatisfyAll(ContainSubstring("A stale rule of the Cluster is not rewritten"), ContainSubstring(reason))))))
	}
	isRewritten := func() {
		GinkgoHelper()
		e.reconcile()
		Expect(e.writes).To(ContainElement("patch Cluster carrot67"))
	}
	const perNode, perZone = corev1.LabelHostname, corev1.LabelTopologyZone

	It("stays when two volumes are on one node and the rule wants one Pod per node", func() {
		restored(perNode)
		n1 := e.node("n1", "a")
		e.node("n2", "a")
		e.claim(0, perNode, n1)
		e.claim(1, perNode, n1)

		staysStale("data-carrot67-mysql-1")
	})

	It("is rewritten when two volumes are on two nodes", func() {
		restored(perNode)
		e.claim(0, perNode, e.node("n1", "a"))
		e.claim(1, perNode, e.node("n2", "a"))

		isRewritten()
	})

	It("stays when two volumes are in one zone and the rule wants one Pod per zone", func() {
		restored(perZone)
		e.node("n1", "a")
		e.node("n2", "a")
		e.node("n3", "b")
		e.claim(0, perZone, e.namespace+"-a")
		e.claim(1, perZone, e.namespace+"-a")

		staysStale("data-carrot67-mysql-1")
	})

	It("is rewritten when two volumes are in one zone with three nodes and the rule wants one Pod per node", func() {
		restored(perNode)
		for _, name := range []string{"n1", "n2", "n3"} {
			e.node(name, "a")
		}
		e.claim(0, perZone, e.namespace+"-a")
		e.claim(1, perZone, e.namespace+"-a")

		isRewritten()
	})

	It("stays when the scheduler has selected one node for two claims without volumes", func() {
		restored(perNode)
		n1 := e.node("n1", "a")
		for ordinal := range 2 {
			e.claim(ordinal, "", "")
			e.merge(&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: fmt.Sprintf("data-carrot67-mysql-%d", ordinal)}},
				`{"metadata":{"annotations":{"volume.kubernetes.io/selected-node":"`+n1+`"}}}`)
		}

		staysStale("data-carrot67-mysql-1")
	})

	It("is rewritten when no volume is bound, whatever nodes there are", func() {
		restored(perNode)
		e.claim(0, "", "")
		e.claim(1, "", "")

		isRewritten()
	})

	It("becomes a preferred rule with the owner's consent, and then nothing is left to do", func() {
		restored(perNode)
		n1 := e.node("n1", "a")
		e.claim(0, perNode, n1)
		e.claim(1, perNode, n1)
		Expect(e.steer(v1alpha1.RehomingSpec{Consents: []v1alpha1.Consent{v1alpha1.ConsentPreferredRules}})).To(Succeed())

		isRewritten()
		cluster := e.now(rehometesting.MakeCluster(e.generation, e.namespace, target).Obj())
		Expect(cluster.Object["spec"]).To(Equal(rehometesting.MakeCluster(e.generation, e.namespace, target).
			Component("mysql", preferablyApart).Obj().Object["spec"]))
		e.reconcile()
		Expect(e.writes).NotTo(ContainElement("patch Cluster carrot67"))
	})

	It("stays after the owner consented to a rolling update", func() {
		restored(perNode)
		n1 := e.node("n1", "a")
		e.claim(0, perNode, n1)
		e.claim(1, perNode, n1)
		Expect(e.steer(v1alpha1.RehomingSpec{Consents: []v1alpha1.Consent{v1alpha1.ConsentRollingUpdate}})).To(Succeed())

		staysStale("one Pod")
	})
})
