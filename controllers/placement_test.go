package controllers_test

import (
	"encoding/json"
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
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/rewrite"
	"github.com/rehome-operator/rehome/pkg/sources"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// node creates a node in a zone. Nodes are shared by all specs, so their names and zones are unique.
func (e *env) node(name, zone string) string {
	GinkgoHelper()
	name = e.namespace + "-" + name
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
		corev1.LabelHostname: name, corev1.LabelTopologyZone: e.namespace + "-" + zone,
	}}}
	Expect(e.admin.Create(e.ctx, node)).To(Succeed())
	return name
}

// claim creates the claim of a database Pod of carrot67. Its volume is a static local one where a label of a node has that value, or
// it has none where the value is empty.
func (e *env) claim(ordinal int, label, value string) {
	GinkgoHelper()
	e.boundClaim("mysql", fmt.Sprintf("mysql-%d", ordinal), localVolume(label, value))
}

// boundClaim creates the claim of a Pod of a component, bound to a volume unless that is nil. KubeBlocks 1.0 writes no label for the
// instance template.
func (e *env) boundClaim(component, pod string, volume *corev1.PersistentVolume) {
	GinkgoHelper()
	name := ""
	if volume != nil {
		Expect(e.admin.Create(e.ctx, volume)).To(Succeed())
		name = volume.Name
	}
	e.componentClaim(component, pod, name)
}

// componentClaim creates the claim of a Pod of a component. It names a volume, whether that exists or not, unless the name is empty.
func (e *env) componentClaim(component, pod, volume string) {
	GinkgoHelper()
	claim := makeClaim(e.namespace, "data-"+target+"-"+pod)
	claim.Labels = map[string]string{kubeblocks.LabelInstance: target, kubeblocks.LabelComponentName: component}
	claim.Spec.VolumeName = volume
	Expect(e.admin.Create(e.ctx, claim)).To(Succeed())
}

func makeClaim(namespace, name string) *corev1.PersistentVolumeClaim {
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	return claim
}

func localVolume(label, value string) *corev1.PersistentVolume {
	if value == "" {
		return nil
	}
	pv := makeVolume(corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: "/data"}})
	pv.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
		MatchExpressions: []corev1.NodeSelectorRequirement{{Key: label, Operator: corev1.NodeSelectorOpIn, Values: []string{value}}},
	}}}}
	return pv
}

func makeVolume(source corev1.PersistentVolumeSource) *corev1.PersistentVolume {
	pv := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{GenerateName: "volume-"}}
	pv.Spec.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	pv.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	pv.Spec.PersistentVolumeSource = source
	return pv
}

// stalePer is the rule that keeps Pods of my1 apart per node or per zone.
func stalePer(topologyKey string) map[string]any {
	terms := requiredTerms(rehometesting.Apart(source))
	terms[0].(map[string]any)["topologyKey"] = topologyKey
	return map[string]any{"affinity": map[string]any{"podAntiAffinity": map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": terms}}}
}

// held is what the webhook stores when a manifest is applied.
func held(stored, manifest *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	var old, updated kubeblocks.Cluster
	data := map[*kubeblocks.Cluster][]byte{}
	for view, object := range map[*kubeblocks.Cluster]*unstructured.Unstructured{&old: stored, &updated: manifest} {
		content, err := object.MarshalJSON()
		Expect(err).NotTo(HaveOccurred())
		Expect(json.Unmarshal(content, view)).To(Succeed())
		data[view] = content
	}
	edits, _ := rewrite.Hold(kubeblocks.ClusterPolicies(&old), kubeblocks.ClusterPolicies(&updated), sources.Rewritten(&old))
	content, err := patch.Apply(data[&updated], edits)
	Expect(err).NotTo(HaveOccurred())
	kept := &unstructured.Unstructured{}
	Expect(kept.UnmarshalJSON(content)).To(Succeed())
	return kept
}

var _ = besideKubeBlocks("A stale rule of a Cluster whose volumes are bound", func(e *env) {
	// restoredAs makes carrot67 from a snapshot with the same spec, and its Components. Its Jobs and Pods are gone, and the database is
	// not there, as after a stop.
	restoredAs := func(spec map[string]any, components ...*unstructured.Unstructured) {
		GinkgoHelper()
		my1 := rehometesting.MakeCluster(e.generation, e.namespace, source).Spec(spec).Obj()
		cluster := rehometesting.MakeCluster(e.generation, e.namespace, target).Spec(spec).RestoredFrom("mysql", backup).Obj()
		e.create(my1, rehometesting.MakeBackup(e.namespace, backup).Of(my1).Obj(), cluster)
		for _, component := range components {
			component.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(cluster, cluster.GroupVersionKind())})
			e.create(component)
		}
	}
	component := func(name string) *unstructured.Unstructured {
		return rehometesting.MakeComponent(rehometesting.MakeCluster(e.generation, e.namespace, target).Obj(), name).Obj()
	}
	restoredWith := func(policy map[string]any) {
		GinkgoHelper()
		restoredAs(map[string]any{"componentSpecs": []any{map[string]any{"name": "mysql", "schedulingPolicy": policy}}}, component("mysql"))
	}
	// restored makes carrot67 with one stale rule and a finished Restore.
	restored := func(topologyKey string) {
		GinkgoHelper()
		my1 := rehometesting.MakeCluster(e.generation, e.namespace, source).Component("mysql", stalePer(topologyKey)).Obj()
		cluster := rehometesting.MakeCluster(e.generation, e.namespace, target).Component("mysql", stalePer(topologyKey)).
			RestoredFrom("mysql", backup).Obj()
		e.create(my1, rehometesting.MakeBackup(e.namespace, backup).Of(my1).Obj(), cluster)
		_, restore := e.restoring(cluster, "mysql", stalePer(topologyKey), stalePer(topologyKey))
		e.mergeStatus(restore, `{"status":{"phase":"Completed"}}`)
	}
	spec := func() any {
		GinkgoHelper()
		cluster := &unstructured.Unstructured{}
		cluster.SetGroupVersionKind(e.generation.Apps.WithKind("Cluster"))
		Expect(e.admin.Get(e.ctx, client.ObjectKey{Namespace: e.namespace, Name: target}, cluster)).To(Succeed())
		return cluster.Object["spec"]
	}
	staysStale := func(reason string) {
		GinkgoHelper()
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
		before := spec()
		e.reconcile()
		Expect(spec()).NotTo(Equal(before))
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

	// bothOn makes two claims for which the scheduler has selected one node.
	bothOn := func(node, label, value string) {
		GinkgoHelper()
		for ordinal := range 2 {
			e.claim(ordinal, label, value)
			e.merge(&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: fmt.Sprintf("data-carrot67-mysql-%d", ordinal)}},
				`{"metadata":{"annotations":{"`+annotationSelectedNode+`":"`+node+`"}}}`)
		}
	}

	It("stays when the scheduler has selected one node for two claims without volumes", func() {
		restored(perNode)
		bothOn(e.node("n1", "a"), "", "")

		staysStale("data-carrot67-mysql-1")
	})

	It("is rewritten when the scheduler had selected one node for two volumes that can be mounted on another", func() {
		restored(perNode)
		n1 := e.node("n1", "a")
		e.node("n2", "a")
		bothOn(n1, perZone, e.namespace+"-a")

		isRewritten()
	})

	It("is rewritten when no volume is bound, whatever nodes there are", func() {
		restored(perNode)
		mysql := e.now(component("mysql"))
		for ordinal, name := range []string{"carrot67-mysql-0", "carrot67-mysql-1"} {
			e.claim(ordinal, "", "")
			e.create(e.databasePod(mysql, name).Claim("data-" + name).Unschedulable(unschedulable).Obj())
		}

		isRewritten()
	})

	It("stays while a claim has neither a volume nor a Pod: one could follow the stale rule", func() {
		restored(perNode)
		e.claim(0, "", "")

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement("patch Cluster carrot67"))
		Expect(ready(e.rehoming())).To(Equal(v1alpha1.ReasonWaitingForScheduler))
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

	It("becomes a preferred rule that the webhook keeps when the stale manifest is applied", func() {
		e.reconciler.Config.Webhook.BindAddress = ":9443"
		restored(perNode)
		stale := e.now(rehometesting.MakeCluster(e.generation, e.namespace, target).Obj())
		n1 := e.node("n1", "a")
		e.claim(0, perNode, n1)
		e.claim(1, perNode, n1)
		Expect(e.steer(v1alpha1.RehomingSpec{Consents: []v1alpha1.Consent{v1alpha1.ConsentPreferredRules}})).To(Succeed())
		isRewritten()

		stored := e.now(stale)
		Expect(held(stored, stale).Object["spec"]).To(Equal(stored.Object["spec"]))
	})

	It("stays after the owner consented to a rolling update", func() {
		restored(perNode)
		n1 := e.node("n1", "a")
		e.claim(0, perNode, n1)
		e.claim(1, perNode, n1)
		Expect(e.steer(v1alpha1.RehomingSpec{Consents: []v1alpha1.Consent{v1alpha1.ConsentRollingUpdate}})).To(Succeed())

		staysStale("one Pod")
	})

	It("stays weeks later, when the database is stopped and the Restore is gone", func() {
		restoredWith(stalePer(perNode))
		n1 := e.node("n1", "a")
		e.claim(0, perNode, n1)
		e.claim(1, perNode, n1)

		staysStale("data-carrot67-mysql-1")
	})

	It("stays when labels keep two volumes in one zone, as old drivers write them, and the rule wants one Pod per zone", func() {
		restored(perZone)
		e.node("n1", "a")
		e.node("n2", "b")
		for ordinal := range 2 {
			pv := makeVolume(corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "example.com", VolumeHandle: fmt.Sprint(ordinal)}})
			pv.Labels = map[string]string{perZone: e.namespace + "-a"}
			e.boundClaim("mysql", fmt.Sprintf("mysql-%d", ordinal), pv)
		}

		staysStale("data-carrot67-mysql-1")
	})

	It("is rewritten when the volumes can be mounted on any node", func() {
		restored(perNode)
		e.node("n1", "a")
		for ordinal := range 2 {
			e.boundClaim("mysql", fmt.Sprintf("mysql-%d", ordinal),
				makeVolume(corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{Server: "nfs.example.com", Path: "/"}}))
		}

		isRewritten()
	})

	It("is rewritten when it is preferred, wherever the volumes are", func() {
		restoredWith(map[string]any{"affinity": map[string]any{"podAntiAffinity": map[string]any{
			"preferredDuringSchedulingIgnoredDuringExecution": []any{map[string]any{
				"weight": int64(100), "podAffinityTerm": requiredTerms(rehometesting.Apart(source))[0],
			}},
		}}})
		n1 := e.node("n1", "a")
		e.claim(0, perNode, n1)
		e.claim(1, perNode, n1)

		isRewritten()
	})

	near := func() map[string]any {
		return map[string]any{"affinity": map[string]any{"podAffinity": map[string]any{
			"requiredDuringSchedulingIgnoredDuringExecution": requiredTerms(stalePer(perZone)),
		}}}
	}

	It("is rewritten when it wants the Pods in one zone, and the volumes are there", func() {
		restoredWith(near())
		e.claim(0, perNode, e.node("n1", "a"))
		e.claim(1, perNode, e.node("n2", "a"))
		e.node("n3", "b")

		isRewritten()
	})

	It("stays when it wants the Pods in one zone, and the volumes are in two", func() {
		restoredWith(near())
		e.claim(0, perNode, e.node("n1", "a"))
		e.claim(1, perNode, e.node("n2", "b"))

		staysStale("data-carrot67-mysql-1")
	})

	It("is rewritten when there is one Pod, which cannot violate it", func() {
		restored(perZone)
		e.claim(0, perNode, e.node("n1", "a"))

		isRewritten()
	})

	It("stays until the Component exists when claims of an earlier Cluster of the name are bound", func() {
		spec := map[string]any{"componentSpecs": []any{map[string]any{"name": "mysql", "schedulingPolicy": stalePer(perNode)}}}
		restoredAs(spec)
		e.claim(0, perNode, e.node("n1", "a"))
		e.claim(1, perNode, e.node("n2", "a"))
		staysStale("before KubeBlocks has created the Component")

		mysql := component("mysql")
		cluster := e.now(rehometesting.MakeCluster(e.generation, e.namespace, target).Obj())
		mysql.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(cluster, cluster.GroupVersionKind())})
		e.create(mysql)

		isRewritten()
	})

	Context("in a sharding", func() {
		sharded := func(shards ...string) {
			GinkgoHelper()
			terms := requiredTerms(stalePer(perNode))
			// KubeBlocks fills in the shard's name.
			Expect(unstructured.SetNestedField(terms[0].(map[string]any), "", "labelSelector", "matchLabels", kubeblocks.LabelComponentName)).To(Succeed())
			policy := map[string]any{"affinity": map[string]any{"podAntiAffinity": map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": terms}}}
			var components []*unstructured.Unstructured
			for _, shard := range shards {
				c := component(shard)
				c.SetLabels(map[string]string{
					kubeblocks.LabelInstance: target, kubeblocks.LabelComponentName: shard, kubeblocks.LabelShardingName: "mysql",
				})
				components = append(components, c)
			}
			restoredAs(map[string]any{"shardings": []any{map[string]any{"name": "mysql", "template": map[string]any{"schedulingPolicy": policy}}}}, components...)
		}

		It("is rewritten when Pods of two shards are on one node", func() {
			sharded("mysql-abc", "mysql-xyz")
			n1, n2 := e.node("n1", "a"), e.node("n2", "a")
			for _, shard := range []string{"mysql-abc", "mysql-xyz"} {
				e.boundClaim(shard, shard+"-0", localVolume(perNode, n1))
				e.boundClaim(shard, shard+"-1", localVolume(perNode, n2))
			}

			isRewritten()
		})

		It("stays when two Pods of one shard are", func() {
			sharded("mysql-abc", "mysql-xyz")
			n1, n2 := e.node("n1", "a"), e.node("n2", "a")
			e.boundClaim("mysql-abc", "mysql-abc-0", localVolume(perNode, n1))
			e.boundClaim("mysql-abc", "mysql-abc-1", localVolume(perNode, n1))
			e.boundClaim("mysql-xyz", "mysql-xyz-0", localVolume(perNode, n2))

			staysStale("data-carrot67-mysql-abc-1")
		})
	})

	Context("in an instance template", func() {
		templated := func() {
			GinkgoHelper()
			mysql := component("mysql")
			instances := []any{map[string]any{"name": "hot", "replicas": int64(1), "schedulingPolicy": stalePer(perNode)}}
			Expect(unstructured.SetNestedSlice(mysql.Object, instances, "spec", "instances")).To(Succeed())
			restoredAs(map[string]any{"componentSpecs": []any{map[string]any{"name": "mysql", "instances": instances}}}, mysql)
		}

		It("is rewritten when two Pods of no template are on one node, and that of the template on another", func() {
			templated()
			n1, n2 := e.node("n1", "a"), e.node("n2", "a")
			e.boundClaim("mysql", "mysql-0", localVolume(perNode, n1))
			e.boundClaim("mysql", "mysql-1", localVolume(perNode, n1))
			e.boundClaim("mysql", "mysql-hot-0", localVolume(perNode, n2))

			isRewritten()
		})

		It("stays when the Pod of the template is on the node of another", func() {
			templated()
			n1, n2 := e.node("n1", "a"), e.node("n2", "a")
			e.boundClaim("mysql", "mysql-0", localVolume(perNode, n1))
			e.boundClaim("mysql", "mysql-1", localVolume(perNode, n2))
			e.boundClaim("mysql", "mysql-hot-0", localVolume(perNode, n2))

			staysStale("data-carrot67-mysql-1 and data-carrot67-mysql-hot-0")
		})
	})
})
