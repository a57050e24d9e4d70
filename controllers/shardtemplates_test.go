package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// sharded is a restored Cluster with the component mysql, whose restore has completed, and with one shard. The shard's rules stand in a
// template of shards.
type sharded struct {
	cluster, component, set *unstructured.Unstructured
}

// shardedRestore makes such a Cluster with the policy of the source.
func (e *env) shardedRestore(policy map[string]any) *sharded {
	GinkgoHelper()
	my1 := rehometesting.MakeCluster(e.generation, e.namespace, source).Spec(shardedSpec(policy)).Obj()
	s := &sharded{cluster: rehometesting.MakeCluster(e.generation, e.namespace, target).Spec(shardedSpec(policy)).RestoredFrom("mysql", backup).Obj()}
	e.create(my1, rehometesting.MakeBackup(e.namespace, backup).Of(my1).Obj(), s.cluster)
	e.completed(s.cluster, nil)
	s.component = s.makeComponent(policy)
	e.create(s.component)
	s.set = rehometesting.MakeInstanceSet(e.generation, s.component).Replicas(1).Obj()
	e.create(s.set)
	return s
}

func shardedSpec(policy map[string]any) map[string]any {
	return map[string]any{"componentSpecs": []any{map[string]any{"name": "mysql"}}, "shardings": []any{map[string]any{
		"name": "shard", "shards": int64(1), "template": map[string]any{"replicas": int64(1)},
		"shardTemplates": []any{map[string]any{"name": "hot", "shards": int64(1), "schedulingPolicy": policy}},
	}}}
}

func (s *sharded) makeComponent(policy map[string]any) *unstructured.Unstructured {
	component := rehometesting.MakeComponent(s.cluster, "shard-x7k").Policy(policy).Obj()
	labels := component.GetLabels()
	labels[kubeblocks.LabelShardingName] = "shard"
	component.SetLabels(labels)
	return component
}

var _ = besideKubeBlocks11("A shard that was not backed up", func(e *env) {
	It("is rewritten in its template, and its Pod is re-created", func() {
		s := e.shardedRestore(rehometesting.Apart(source))
		pod := rehometesting.MakeDatabasePod(s.component, "carrot67-shard-x7k-0").Of(s.set).Rules(s.set, "spec", "template", "spec").
			Unschedulable(unschedulable).Obj()
		e.create(pod)

		e.reconcile()
		Expect(e.now(s.cluster).Object["spec"]).To(Equal(shardedSpec(rehometesting.Apart(target))))

		By("KubeBlocks rewriting the Component and its InstanceSet")
		rewritten := s.makeComponent(rehometesting.Apart(target))
		e.merge(s.component, asJSON(map[string]any{"spec": rewritten.Object["spec"]}))
		set := rehometesting.MakeInstanceSet(e.generation, rewritten).Replicas(1).OnDelete().Obj()
		e.merge(s.set, asJSON(map[string]any{"spec": set.Object["spec"]}))
		e.reconcile()
		Expect(e.writes).To(ContainElement("delete Pod carrot67-shard-x7k-0"))
	})
})

// zonalShards are specs about a rule per zone in a template of shards.
func zonalShards(e *env) {
	It("stays stale when the volumes are in one zone", func() {
		e.shardedRestore(stalePer(corev1.LabelTopologyZone))
		e.node("n1", "a")
		e.node("n2", "b")
		for _, pod := range []string{"shard-x7k-0", "shard-x7k-1"} {
			e.boundClaim("shard-x7k", pod, localVolume(corev1.LabelTopologyZone, e.namespace+"-a"))
		}

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement("patch Cluster carrot67"))
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(say(metav1.ConditionFalse, v1alpha1.ReasonVolumesBound)))
	})
}

var (
	_ = besideKubeBlocks11("A rule per zone in a template of shards beside KubeBlocks 1.1", zonalShards)
	_ = besideKubeBlocks12("A rule per zone in a template of shards beside KubeBlocks 1.2", zonalShards)
)
