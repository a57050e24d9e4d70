package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

var _ = besideEachGeneration("A restore of another shape", func(w *world) {
	It("is unblocked for every component and every instance template", func() {
		h := w.hang(target)
		_, proxy := w.restoring(h.cluster, "proxy", rehometesting.Apart(target), rehometesting.Apart(source))
		hot := rehometesting.MakeRestore(w.namespace, h.restore.GetName()+"-hot").Of(h.component).Backup(backup).Stale(source).Obj()
		w.create(hot)

		for range 3 {
			w.reconcile()
		}

		Expect(w.now(h.restore).GetDeletionTimestamp()).NotTo(BeNil())
		Expect(w.now(proxy).GetDeletionTimestamp()).NotTo(BeNil())
		Expect(w.now(hot).GetDeletionTimestamp()).NotTo(BeNil())
	})

	It("is unblocked for a shard, whose rules hold its own generated name", func() {
		h := w.hang(source)
		w.remove(h.restore, h.component)
		shard := map[string]any{"name": "shard", "template": map[string]any{"schedulingPolicy": ofShard(source, "")}}
		spec := map[string]any{w.generation.Shardings: []any{shard}}
		w.remove(h.backup)
		w.create(rehometesting.MakeBackup(w.namespace, backup).Of(rehometesting.MakeCluster(w.generation, w.namespace, source).Spec(spec).Obj()).Obj())
		h.cluster.Object["spec"] = spec
		Expect(w.admin.Update(w.ctx, h.cluster)).To(Succeed())
		component := rehometesting.MakeComponent(h.cluster, "shard-x7k").Policy(ofShard(source, "shard-x7k")).Obj()
		labels := component.GetLabels()
		labels[kubeblocks.LabelShardingName] = "shard"
		component.SetLabels(labels)
		w.create(component)
		restore := rehometesting.MakeRestore(w.namespace, component.GetName()+"-preparedata").
			Of(component).Backup(backup).Policy(ofShard(source, "shard-x7k")).Obj()
		w.create(restore)

		w.reconcile()
		Expect(w.now(h.cluster).Object["spec"]).To(Equal(map[string]any{w.generation.Shardings: []any{
			map[string]any{"name": "shard", "template": map[string]any{"schedulingPolicy": ofShard(target, "")}},
		}}), "the empty name is KubeBlocks' to fill")

		component = w.now(component)
		component.Object["spec"] = map[string]any{"schedulingPolicy": ofShard(target, "shard-x7k")}
		Expect(w.admin.Update(w.ctx, component)).To(Succeed())
		w.reconcile()
		Expect(w.now(restore).GetDeletionTimestamp()).NotTo(BeNil())
	})

	It("has only its Cluster rewritten by KubeBlocks 1.2, whose Restores must not be touched", func() {
		h := w.hang(source)
		w.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}},
			"spec":{"restore":{"source":{"apiGroup":"dataprotection.kubeblocks.io","kind":"Backup","name":"bp1"}}}}`)

		w.reconcile()
		Expect(w.writes).To(ContainElement("patch Cluster carrot67"))

		h.component.Object["spec"] = map[string]any{"schedulingPolicy": rehometesting.Apart(target)}
		Expect(w.admin.Update(w.ctx, h.component)).To(Succeed())
		for range 3 {
			w.reconcile()
			Expect(w.writes).NotTo(ContainElement(HavePrefix("delete")))
			Expect(w.writes).NotTo(ContainElement(HavePrefix("patch Restore")))
		}
		Expect(w.condition(h.restore)).To(say(metav1.ConditionTrue, v1alpha1.ReasonRehomed))
	})

	It("is known as a restore by KubeBlocks 1.2 before there is any Restore", func() {
		h := w.hang(source)
		w.remove(h.pod, h.job, h.restore)
		w.merge(h.cluster, `{"metadata":{"annotations":{"kubeblocks.io/restore-from-backup":null}},
			"spec":{"restore":{"source":{"kind":"Backup","name":"bp1","namespace":"`+w.namespace+`"}}}}`)

		w.reconcile()

		Expect(w.writes).To(Equal([]string{"patch Cluster carrot67"}))
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
