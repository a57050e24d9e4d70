package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/provisioner"
	"github.com/rehome-operator/rehome/test/e2e/audit"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// trial is a scenario, and how it ends: how many database Pods have nodes without Rehome and with it, and what the condition Ready of the
// Rehoming begins with.
type trial struct {
	name          string
	without, with int
	ready         string
	scenario
	// late starts Rehome when the restore has ended without it: before, it is a race which Pods are bound.
	late bool
	// gate has the trial run for each change. All run at night.
	gate bool
}

const (
	rehomed        = "True Rehomed: "
	volumesBound   = "False VolumesBound: "
	restoreIgnored = "False RestoreIgnored: "
	unscheduled    = "False Unschedulable: "
	clusterStarted = "False ClusterStarted: "
)

// instanceTemplate returns an instance template of one replica with rules of its own.
func (w *standinWorld) instanceTemplate(names string) map[string]any {
	return map[string]any{"name": "hot", "replicas": int64(1), "schedulingPolicy": w.apart(names)}
}

// oneComponent returns a spec function of a scenario: one component of so many replicas.
func oneComponent(replicas int64, more map[string]any) func(w *standinWorld, names string) map[string]any {
	return func(w *standinWorld, names string) map[string]any {
		return map[string]any{"componentSpecs": []any{w.component(names, replicas, more)}}
	}
}

// withTemplate is as an OpsRequest of KubeBlocks 1.1 and 1.2 leaves a Cluster: rules of components name the target, those of instance
// templates the source.
func withTemplate(more map[string]any) func(w *standinWorld, names string) map[string]any {
	return func(w *standinWorld, names string) map[string]any {
		c := w.component(names, 3, more)
		c["instances"] = []any{w.instanceTemplate(names)}
		return map[string]any{"componentSpecs": []any{c}}
	}
}

// byOpsRequest has KubeBlocks rewrite the rules of components.
func byOpsRequest(cluster *unstructured.Unstructured) {
	specs, _, _ := unstructured.NestedSlice(cluster.Object, "spec", "componentSpecs")
	for _, spec := range specs {
		own := rehometesting.Apart(restoredName)["affinity"]
		Expect(unstructured.SetNestedField(spec.(map[string]any), own, "schedulingPolicy", "affinity")).To(Succeed())
	}
	Expect(unstructured.SetNestedSlice(cluster.Object, specs, "spec", "componentSpecs")).To(Succeed())
	cluster.SetLabels(map[string]string{"operations.kubeblocks.io/ops-name": "restore", "operations.kubeblocks.io/ops-type": "Restore"})
	cluster.SetAnnotations(map[string]string{"kubeblocks.io/ops-request": `[{"name":"restore","type":"Restore"}]`})
}

// byAnnotation names the Backup as up to KubeBlocks 1.1.
func byAnnotation(cluster *unstructured.Unstructured) {
	unstructured.RemoveNestedField(cluster.Object, "spec", "restore")
	cluster.SetAnnotations(map[string]string{
		kubeblocks.AnnotationRestoreFromBackup: `{"mysql":{"name":"` + standinBackup + `","namespace":"` + cluster.GetNamespace() + `"}}`,
	})
}

// sharded has two shards, one of them of a shard template.
func sharded(w *standinWorld, names string) map[string]any {
	template := w.component(names, 1, nil)
	delete(template, "name")
	return map[string]any{"shardings": []any{map[string]any{
		"name": "shard", "shards": int64(2), "template": template,
		"shardTemplates": []any{map[string]any{"name": "big", "shards": int64(1), "schedulingPolicy": w.apart(names)}},
	}}}
}

func trials() []trial {
	onDelete := map[string]any{"instanceUpdateStrategy": map[string]any{"type": "OnDelete"}}
	instances := map[string]any{"enableInstanceAPI": true}
	oneFree := []controlplane.Node{{Name: "free", Zone: "free"}}
	bigPods := map[string]any{"resources": map[string]any{"requests": map[string]any{"cpu": "5"}}} // one fits on a node
	all := []trial{
		{name: "unmarked", gate: true, with: 3, ready: rehomed, scenario: scenario{taken: 3}},
		{name: "on-delete", with: 3, ready: rehomed, scenario: scenario{taken: 3, spec: oneComponent(3, onDelete)}},
		{name: "ordered", with: 3, ready: rehomed, scenario: scenario{
			taken: 3, spec: oneComponent(3, map[string]any{"podManagementPolicy": "OrderedReady"}),
		}},
		{name: "instances", gate: true, with: 3, ready: rehomed, scenario: scenario{taken: 3, spec: oneComponent(3, instances)}},
		{name: "instances-on-delete", with: 3, ready: rehomed, scenario: scenario{taken: 3, spec: oneComponent(3, map[string]any{
			"enableInstanceAPI": true, "instanceUpdateStrategy": onDelete["instanceUpdateStrategy"],
		})}},
		{name: "annotation", gate: true, ready: restoreIgnored, scenario: scenario{taken: 3, restored: byAnnotation}},
		{name: "elsewhere", ready: restoreIgnored, scenario: scenario{taken: 3, backupElsewhere: true}},
		{name: "too-few-nodes", with: 1, ready: unscheduled, scenario: scenario{taken: 1}},
		{name: "flat", without: 3, with: 3, ready: clusterStarted, late: true, scenario: scenario{taken: 1, free: []controlplane.Node{
			{Name: "free1", Zone: "f1"}, {Name: "free2", Zone: "f2"}, {Name: "free3", Zone: "f3"},
		}, spec: withTemplate(map[string]any{"flatInstanceOrdinal": true}), restored: byOpsRequest}},
		{name: "shared-node", gate: true, without: 3, with: 3, ready: volumesBound, late: true, scenario: scenario{taken: 2, free: oneFree}},
		{name: "half-done", without: 1, with: 1, ready: volumesBound, late: true, scenario: scenario{
			taken: 2, free: oneFree, spec: oneComponent(2, bigPods),
		}},
		{name: "ops-request", without: 2, with: 3, ready: rehomed, scenario: scenario{
			taken: 3, spec: withTemplate(nil), restored: byOpsRequest, rewritten: true,
		}},
		{name: "ops-request-late", without: 2, with: 2, ready: volumesBound, late: true, scenario: scenario{
			taken: 3, spec: withTemplate(nil), restored: byOpsRequest,
		}},
		{name: "shards", with: 2, ready: rehomed, scenario: scenario{taken: 3, spec: sharded}},
		{name: "immediate", with: 3, ready: rehomed, scenario: scenario{taken: 3, immediate: true}},
	}
	for i := range all {
		all[i].topology = provisioner.Node
	}
	return all
}

// The stand-in needs a control plane, and no build of KubeBlocks.
var _ = Describe("KubeBlocks 1.2, played", func() {
	describeStandin("two namespaces each", true)
	describeStandin("all namespaces", false)
})

// describeStandin runs each scenario at the same time without Rehome and with it, on nodes of their own. In the gate Rehome has rights
// only in the namespaces where it works; at night the other namespaces have its mode Disabled.
func describeStandin(mode string, gate bool) {
	const without, with = "without-", "with-"
	name := "in " + mode
	Describe(name, Ordered, ContinueOnFailure, Label("standin"), nightlyUnless(gate), func() {
		e := &standinEnv{}
		if gate {
			for _, t := range trials() {
				e.namespaces = append(e.namespaces, with+t.name)
				if t.backupElsewhere {
					e.namespaces = append(e.namespaces, with+t.name+"-backups")
				}
			}
			e.namespaces = append(e.namespaces, with+"pre-bind", with+"leaders")
		}
		BeforeAll(func(ctx SpecContext) { e.start(ctx, name) }, NodeTimeout(startTimeout))

		for _, t := range trials() {
			It("ends no worse with Rehome than without: "+t.name, nightlyUnless(t.gate), func(ctx SpecContext) {
				other, w := e.newWorld(ctx, without+t.name, false, t.scenario), e.newWorld(ctx, with+t.name, true, t.scenario)
				if !t.late {
					e.run(ctx)
				}
				other.restore(ctx)
				w.restore(ctx)
				other.ends(ctx, t.without)
				if t.late {
					w.ends(ctx, t.without)
					e.run(ctx)
				}
				running := w.uids(ctx)

				w.ends(ctx, t.with)
				Eventually(w.condition).WithContext(ctx).WithArguments(v1alpha1.ConditionReady).WithTimeout(reportTimeout).
					Should(HavePrefix(t.ready))
				for name, uid := range running {
					Expect(w.uids(ctx)).To(HaveKeyWithValue(name, uid), "no Pod is restarted")
				}
				other.ends(ctx, t.without)
				Expect(other.condition(ctx, v1alpha1.ConditionReady)).To(BeEmpty())
				Expect(t.with).To(BeNumerically(">=", t.without))
			}, SpecTimeout(specTimeout))
		}

		It("reports where a volume is being restored, and does not touch its Pod", func(ctx SpecContext) {
			w := e.newWorld(ctx, with+"pre-bind", true, scenario{
				topology: provisioner.Node, taken: 1, free: []controlplane.Node{{Name: "slow", Zone: "slow"}}, spec: oneComponent(1, nil),
			})
			w.restore(ctx)
			Eventually(w.restorePods).WithContext(ctx).WithTimeout(endTimeout).Should(ConsistOf(HaveField("Status.Phase", corev1.PodRunning)))
			e.run(ctx)
			Eventually(w.condition).WithContext(ctx).WithArguments(v1alpha1.RehomingPodsScheduled).WithTimeout(endTimeout).
				Should(And(HavePrefix("Unknown RestoringVolumes: "), ContainSubstring("its volume is being restored on node slow-")))

			pods, err := w.restorePods(ctx)
			Expect(err).NotTo(HaveOccurred())
			Expect((&fixture.Env{Client: w.admin}).Finish(ctx, &pods[0])).To(Succeed())
			w.ends(ctx, 1)
		}, SpecTimeout(specTimeout))

		It("is completed by the next leader when leaders are killed", Label("nightly"), func(ctx SpecContext) {
			w := e.newWorld(ctx, with+"leaders", true, scenario{topology: provisioner.Node, taken: 3, spec: oneComponent(3, map[string]any{
				"enableInstanceAPI": true, "instanceUpdateStrategy": map[string]any{"type": "OnDelete"},
			})})
			w.restore(ctx)
			leader := e.run(ctx)
			for range 2 {
				standby := e.run(ctx)
				writes, err := audit.CountWrites(e.controlPlane.AuditLog())
				Expect(err).NotTo(HaveOccurred())
				Eventually(writes).WithContext(ctx).WithPolling(writePolling).WithTimeout(leaseTimeout).Should(BeNumerically(">=", 1))
				By("killing the leader")
				Expect(leader.Kill()).To(Succeed())
				leader = standby
			}
			w.ends(ctx, fixture.Replicas)
			Eventually(w.condition).WithContext(ctx).WithArguments(v1alpha1.ConditionReady).WithTimeout(reportTimeout).Should(HavePrefix(rehomed))
		}, SpecTimeout(raceTimeout))
	})
}

// nightlyUnless is the label of what runs at night only, unless gate.
func nightlyUnless(gate bool) Labels {
	if gate {
		return Label()
	}
	return Label("nightly")
}
