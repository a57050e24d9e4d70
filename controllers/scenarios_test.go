package controllers_test

import (
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// scenario is a stuck restore, and what its remediation must result in.
type scenario struct {
	generation func() rehometesting.Generation
	begin      func(t *faultRun)
	cured      func(t *faultRun)
}

// apart and preferablyApart are the rules that a re-created Restore and its Jobs must end with: without rules they would start, too.
var (
	apart           = rehometesting.Apart(target)
	preferablyApart = map[string]any{"affinity": map[string]any{"podAntiAffinity": map[string]any{
		"preferredDuringSchedulingIgnoredDuringExecution": []any{map[string]any{
			"weight": int64(100), "podAffinityTerm": requiredTerms(apart)[0],
		}},
	}}}
)

func requiredTerms(policy map[string]any) []any {
	terms, _, _ := unstructured.NestedSlice(policy, "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
	return terms
}

// room is enough for all Pods of a test.
const room = 10

// wholeRestore is stuck with both its Jobs. It takes PatchCluster and RecreateRestore. In this scenario Rehome observes every state
// between two writes of KubeBlocks.
var wholeRestore = scenario{
	generation: rehometesting.V10,
	begin: func(t *faultRun) {
		t.fakeKubeBlocks.nodes = []node{{"node1", room}, {"node2", room}}
		t.restored(source)
	},
	cured: func(t *faultRun) { t.completed(apart) },
}

// halfRestore found a node for one Pod, and none for the other. It takes PatchCluster, ReplaceSchedulingSpec and RecreateJobs.
var halfRestore = scenario{
	generation: rehometesting.V09,
	begin: func(t *faultRun) {
		t.fakeKubeBlocks.quick = true
		t.fakeKubeBlocks.nodes = []node{{"node1", room}, {"node2", room}, {"node3", 1}}
		t.restored(source)
		t.noteStarted()
	},
	cured: func(t *faultRun) { t.completed(apart) },
}

// heldByOwnRules names itself, and has fewer nodes than Pods. It takes ReplaceSchedulingSpec with relaxed rules.
var heldByOwnRules = scenario{
	generation: rehometesting.V10,
	begin: func(t *faultRun) {
		t.restorePods = configv1alpha1.Relaxed
		t.fakeKubeBlocks.quick = true
		t.fakeKubeBlocks.nodes = []node{{"node1", room}}
		t.restored(target)
		t.noteStarted()
	},
	cured: func(t *faultRun) { t.completed(preferablyApart) },
}

// databasePod is Pending although the Restore completed, and KubeBlocks does not replace it. It takes PatchCluster and RecreatePod.
var databasePod = scenario{
	generation: rehometesting.V10,
	begin: func(t *faultRun) {
		t.fakeKubeBlocks.quick = true
		t.fakeKubeBlocks.nodes = []node{{"node1", room}}
		component := t.backedUp(source)
		t.databaseOf(component, 1)
	},
	cured: func(t *faultRun) {
		for _, pod := range t.pods() {
			Expect(pod.Spec.NodeName).NotTo(BeEmpty(), pod.Name)
		}
	},
}

// sourceGone has no Pods of the source around: whatever the rules, every Pod finds a node.
var sourceGone = scenario{
	generation: rehometesting.V10,
	begin: func(t *faultRun) {
		t.fakeKubeBlocks.nodes = []node{{"node1", room}, {"node2", room}}
		my1 := t.cluster(source, source).Obj()
		t.create(my1)
		t.create(rehometesting.MakeBackup(t.namespace, backup).Of(my1).Obj())
		t.remove(my1)
		t.restoredAs(target, source)
		t.fakeKubeBlocks.jobs = 2
	},
}

// twoComponents has a Restore of each component. It takes PatchCluster, and RecreateRestore of both in one reconcile.
var twoComponents = scenario{
	generation: rehometesting.V10,
	begin: func(t *faultRun) {
		t.fakeKubeBlocks.nodes = []node{{"node1", room}, {"node2", room}, {"node3", room}, {"node4", room}}
		t.sourceOn(t.cluster(source, source).Obj(), t.fakeKubeBlocks.nodes)
		cluster := t.cluster(target, source).RestoredFrom("mysql", backup).Obj()
		t.create(cluster)
		for _, name := range []string{"mysql", "proxy"} {
			t.create(rehometesting.MakeComponent(cluster, name).Policy(rehometesting.Apart(source)).Obj())
		}
		t.fakeKubeBlocks.jobs = 2
	},
	cured: func(t *faultRun) {
		var restores kubeblocks.RestoreList
		Expect(t.admin.List(t.ctx, &restores, client.InNamespace(t.namespace))).To(Succeed())
		Expect(restores.Items).To(HaveEach(HaveField("Status.Phase", kubeblocks.RestoreCompleted)))
		Expect(t.history().Attempts).To(HaveLen(len(restores.Items)))
	},
}

// serialRestore restores one volume after another.
var serialRestore = scenario{
	generation: rehometesting.V10,
	begin: func(t *faultRun) {
		t.fakeKubeBlocks.nodes = []node{{"node1", room}, {"node2", room}}
		t.fakeKubeBlocks.serial = true
		t.restored(source)
	},
}

// instanceTemplates is a database with an instance template that has rules of its own. One Pod has found a node.
var instanceTemplates = scenario{
	generation: rehometesting.V10,
	begin: func(t *faultRun) {
		t.fakeKubeBlocks.quick = true
		t.fakeKubeBlocks.nodes = []node{{"node1", room}, {"node2", room}, {"node3", 1}}
		instances := []any{map[string]any{"name": "big", "schedulingPolicy": rehometesting.Apart(source)}}
		spec := map[string]any{"componentSpecs": []any{
			map[string]any{"name": "mysql", "schedulingPolicy": rehometesting.Apart(source), "instances": instances},
		}}
		t.sourceOn(t.cluster(source, source).Spec(spec).Obj(), t.fakeKubeBlocks.nodes[:2])
		cluster := t.cluster(target, source).Spec(spec).RestoredFrom("mysql", backup).Obj()
		t.create(cluster)
		component := rehometesting.MakeComponent(cluster, "mysql").Policy(rehometesting.Apart(source)).Obj()
		t.create(component)
		t.databaseOf(component, 3)
	},
}

// databaseOf creates the completed Restore of a Component, and its InstanceSet with so many Pods. KubeBlocks replaces none of them.
func (t *faultRun) databaseOf(component *unstructured.Unstructured, replicas int64) {
	GinkgoHelper()
	restore := rehometesting.MakeRestore(t.namespace, component.GetName()+"-preparedata").
		Of(component).Backup(backup).Policy(rehometesting.Apart(source)).Obj()
	t.create(restore)
	t.mergeStatus(restore, `{"status":{"phase":"Completed"}}`)
	t.fakeKubeBlocks.database = true
	t.create(rehometesting.MakeInstanceSet(t.generation, component).Replicas(replicas).OnDelete().Obj())
	t.fakeKubeBlocks.settle()
}

// backedUp creates my1, which has a Pod on the first two nodes, its Backup, and carrot67, which is restored from that and keeps
// apart from the named cluster. It returns the Component of carrot67.
func (t *faultRun) backedUp(apartFrom string) *unstructured.Unstructured {
	GinkgoHelper()
	t.sourceOn(t.cluster(source, source).Obj(), t.fakeKubeBlocks.nodes[:min(2, len(t.fakeKubeBlocks.nodes))])
	return t.restoredAs(target, apartFrom)
}

// sourceOn creates my1, a Pod of it on each of the nodes, and its Backup.
func (t *faultRun) sourceOn(my1 *unstructured.Unstructured, nodes []node) {
	GinkgoHelper()
	t.create(my1)
	for i, n := range nodes {
		component := rehometesting.MakeComponent(my1, "mysql").Obj()
		t.create(rehometesting.MakeDatabasePod(component, fmt.Sprintf("my1-mysql-%d", i)).OnNode(n.name).Obj())
	}
	t.create(rehometesting.MakeBackup(t.namespace, backup).Of(my1).Obj())
}

// restoredAs creates a Cluster that is restored from the Backup, and its Component.
func (t *faultRun) restoredAs(name, apartFrom string) *unstructured.Unstructured {
	GinkgoHelper()
	cluster := t.cluster(name, apartFrom).RestoredFrom("mysql", backup).Obj()
	t.create(cluster)
	component := rehometesting.MakeComponent(cluster, "mysql").Policy(rehometesting.Apart(apartFrom)).Obj()
	t.create(component)
	return component
}

// restored is backedUp, and a Restore with two Jobs, as far as KubeBlocks gets with it.
func (t *faultRun) restored(apartFrom string) {
	GinkgoHelper()
	t.backedUp(apartFrom)
	t.fakeKubeBlocks.jobs = 2
	t.fakeKubeBlocks.settle()
}

// noteStarted notes the Pods that are bound, their Jobs, and the Restore.
func (t *faultRun) noteStarted() {
	GinkgoHelper()
	for _, pod := range t.pods() {
		if pod.Spec.NodeName == "" {
			continue
		}
		t.started = append(t.started, &pod, t.jobOf(&pod), t.restore())
	}
	Expect(t.started).NotTo(BeEmpty())
}

// pods lists the Pods of carrot67.
func (t *faultRun) pods() []corev1.Pod {
	GinkgoHelper()
	var pods corev1.PodList
	Expect(t.admin.List(t.ctx, &pods, client.InNamespace(t.namespace), client.MatchingLabels{kubeblocks.LabelInstance: target})).To(Succeed())
	return pods.Items
}

// jobs lists the Jobs of carrot67.
func (t *faultRun) jobs() []batchv1.Job {
	GinkgoHelper()
	var jobs batchv1.JobList
	Expect(t.admin.List(t.ctx, &jobs, client.InNamespace(t.namespace))).To(Succeed())
	return jobs.Items
}

// jobOf returns the Job of a Pod; nil where that is none of a Job, or the Job is gone.
func (t *faultRun) jobOf(pod *corev1.Pod) *batchv1.Job {
	GinkgoHelper()
	for _, job := range t.jobs() {
		if metav1.IsControlledBy(pod, &job) {
			return &job
		}
	}
	return nil
}

// restore returns the Restore of carrot67.
func (t *faultRun) restore() *kubeblocks.Restore {
	GinkgoHelper()
	restore := &kubeblocks.Restore{}
	key := client.ObjectKey{Namespace: t.namespace, Name: target + "-mysql-preparedata"}
	Expect(t.admin.Get(t.ctx, key, restore)).To(Succeed())
	return restore
}

// completed expects that the Restore completed under the given rules, that it says so, and that no Job of it ever failed.
func (t *faultRun) completed(rules map[string]any) {
	GinkgoHelper()
	restore := t.restore()
	Expect(restore.Status.Phase).To(Equal(kubeblocks.RestoreCompleted))
	Expect(restore.Status.Conditions).To(ContainElement(SatisfyAll(
		ofType(v1alpha1.ConditionPolicyRehomed), say(metav1.ConditionTrue, v1alpha1.ReasonRehomed))))
	Expect(restore.Annotations).NotTo(HaveKey(v1alpha1.AnnotationSchedulingSpec))
	want := &kubeblocks.SchedulingPolicy{}
	Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(rules, want)).To(Succeed())
	have := restore.Spec.PrepareDataConfig.SchedulingSpec
	Expect(equality.Semantic.DeepEqual(have, want)).To(BeTrue(), "%v instead of %v", have, want)
	Expect(t.jobs()).To(HaveLen(t.fakeKubeBlocks.jobs))
	for _, job := range t.jobs() {
		Expect(job.Status.Failed).To(BeZero(), job.Name)
		kept := slices.ContainsFunc(t.started, func(obj client.Object) bool { return obj.GetUID() == job.UID })
		Expect(kept || equality.Semantic.DeepEqual(job.Spec.Template.Spec.Affinity, want.Affinity)).To(BeTrue(), "rules of %s", job.Name)
	}
}
