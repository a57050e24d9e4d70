package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

var _ = besideVersionsWithRestores("A restore of another shape", func(e *env) {
	It("is unblocked for every component and every instance template", func() {
		h := e.stuckRestore(clusterRewritten)
		_, proxy := e.restoring(h.cluster, "proxy", rehometesting.Apart(target), rehometesting.Apart(source))
		hot := rehometesting.MakeRestore(e.namespace, h.restore.GetName()+"-hot").Of(h.component).Backup(backup).Stale(source).Obj()
		e.create(hot)
		e.stuckJob(proxy, "restore-preparedata-1")
		e.stuckJob(hot, "restore-preparedata-2")

		for range 3 {
			e.reconcile()
		}

		Expect(e.now(h.restore).GetDeletionTimestamp()).NotTo(BeNil())
		Expect(e.now(proxy).GetDeletionTimestamp()).NotTo(BeNil())
		Expect(e.now(hot).GetDeletionTimestamp()).NotTo(BeNil())
	})

	It("is unblocked for a shard, whose rules hold its own generated name", func() {
		h := e.stuckRestore(clusterStale)
		e.remove(h.restore, h.component)
		shard := map[string]any{"name": "shard", "template": map[string]any{"schedulingPolicy": ofShard(source, "")}}
		spec := map[string]any{e.generation.Shardings: []any{shard}}
		e.remove(h.backup)
		e.create(rehometesting.MakeBackup(e.namespace, backup).Of(rehometesting.MakeCluster(e.generation, e.namespace, source).Spec(spec).Obj()).Obj())
		h.cluster.Object["spec"] = spec
		Expect(e.admin.Update(e.ctx, h.cluster)).To(Succeed())
		component := rehometesting.MakeComponent(h.cluster, "shard-x7k").Policy(ofShard(source, "shard-x7k")).Obj()
		labels := component.GetLabels()
		labels[kubeblocks.LabelShardingName] = "shard"
		component.SetLabels(labels)
		e.create(component)
		restore := rehometesting.MakeRestore(e.namespace, component.GetName()+"-preparedata").
			Of(component).Backup(backup).Policy(ofShard(source, "shard-x7k")).Obj()
		e.create(restore)
		e.stuckJob(restore, "restore-preparedata-1")

		e.reconcile()
		Expect(e.now(h.cluster).Object["spec"]).To(Equal(map[string]any{e.generation.Shardings: []any{
			map[string]any{"name": "shard", "template": map[string]any{"schedulingPolicy": ofShard(target, "")}},
		}}), "the empty name is KubeBlocks' to fill")

		component = e.now(component)
		component.Object["spec"] = map[string]any{"schedulingPolicy": ofShard(target, "shard-x7k")}
		Expect(e.admin.Update(e.ctx, component)).To(Succeed())
		e.reconcile()
		Expect(e.now(restore).GetDeletionTimestamp()).NotTo(BeNil())
	})

	It("has only its Cluster rewritten by KubeBlocks 1.2, whose Restores must not be touched", func() {
		h := e.stuckRestore(clusterStale)
		e.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}},
			"spec":{"restore":{"source":{"apiGroup":"dataprotection.kubeblocks.io","kind":"Backup","name":"bp1"}}}}`)

		e.reconcile()
		Expect(e.writes).To(ContainElement("patch Cluster carrot67"))

		h.component.Object["spec"] = map[string]any{"schedulingPolicy": rehometesting.Apart(target)}
		Expect(e.admin.Update(e.ctx, h.component)).To(Succeed())
		for range 3 {
			e.reconcile()
			Expect(e.writes).NotTo(ContainElement(HavePrefix("delete")))
			Expect(e.writes).NotTo(ContainElement(HavePrefix("patch Restore")))
		}
		Expect(e.condition(h.restore)).To(say(metav1.ConditionTrue, v1alpha1.ReasonRehomed))
	})

	It("is known as a restore by KubeBlocks 1.2 before there is any Restore", func() {
		h := e.stuckRestore(clusterStale)
		e.remove(h.pod, h.job, h.restore)
		e.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}},
			"spec":{"restore":{"source":{"kind":"Backup","name":"bp1","namespace":"`+e.namespace+`"}}}}`)

		e.reconcile()

		Expect(e.writes).To(Equal([]string{"patch Cluster carrot67"}))
	})
})

// ofShard keeps the Pods of one shard of a cluster apart.
func ofShard(cluster, component string) map[string]any {
	policy := rehometesting.Apart(cluster)
	terms := policy["affinity"].(map[string]any)["podAntiAffinity"].(map[string]any)["requiredDuringSchedulingIgnoredDuringExecution"].([]any)
	labels := terms[0].(map[string]any)["labelSelector"].(map[string]any)["matchLabels"].(map[string]any)
	labels[kubeblocks.LabelComponentName] = component
	return policy
}
