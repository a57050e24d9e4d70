package controllers_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// everyPlace is the spec of the cluster NAME, with a policy in every place and a rule in every form, among fields that
// Rehome does not know. KubeBlocks copies it from the snapshot to the restored Cluster as it is.
const everyPlace = `
terminationPolicy: Delete
unknown: {number: 9007199254740993, fraction: 0.1, text: "my1 – 我的", empty: {}, list: [1, {a: my1}]}
schedulingPolicy:
  schedulerName: my1
  tolerations: [{key: app.kubernetes.io/instance, operator: Equal, value: my1}]
  topologySpreadConstraints:
  - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app.kubernetes.io/instance: NAME}}}
componentSpecs:
- name: mysql
  replicas: 3
  labels: {app.kubernetes.io/instance: my1}
  schedulingPolicy:
    affinity:
      nodeAffinity: {unknown: my1}
      podAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
        - {topologyKey: topology.kubernetes.io/zone, labelSelector: {matchLabels: {app.kubernetes.io/instance: web1}}}
      podAntiAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
        - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app.kubernetes.io/instance: NAME, apps.kubeblocks.io/component-name: mysql}}}
        preferredDuringSchedulingIgnoredDuringExecution:
        - {weight: 100, podAffinityTerm: {topologyKey: topology.kubernetes.io/zone, labelSelector: {matchExpressions: [{key: app.kubernetes.io/instance, operator: In, values: [NAME, batch7]}]}}}
  instances:
  - {name: plain, replicas: 1}
  - name: big
    schedulingPolicy: {affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app.kubernetes.io/instance: NAME}}}]}}}
- name: proxy
  replicas: 1
SHARDINGS:
- name: shard
  shards: 3
  template:
    schedulingPolicy: {affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app.kubernetes.io/instance: NAME, apps.kubeblocks.io/component-name: ""}}}]}}}
    instances:
    - name: big
      schedulingPolicy: {affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app.kubernetes.io/instance: NAME}}}}]}}}
  shardTemplates:
  - name: hot
    schedulingPolicy: {affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app.kubernetes.io/instance: NAME}}}]}}}
`

// specOf returns everyPlace for the cluster of that name.
func specOf(g rehometesting.Generation, name string) map[string]any {
	GinkgoHelper()
	text := strings.NewReplacer("NAME", name, "SHARDINGS", g.Shardings).Replace(everyPlace)
	var spec map[string]any
	Expect(yaml.Unmarshal([]byte(text), &spec)).To(Succeed())
	return spec
}

// field returns what stands at a path, which must be there.
func field(obj map[string]any, path ...string) map[string]any {
	GinkgoHelper()
	value, found, err := unstructured.NestedMap(obj, path...)
	Expect(err).NotTo(HaveOccurred())
	Expect(found).To(BeTrue())
	return value
}

// withoutVersion returns the object without what every write changes, and without Rehome's own notes.
func withoutVersion(obj *unstructured.Unstructured) map[string]any {
	obj = obj.DeepCopy()
	for _, key := range []string{"resourceVersion", "generation", "managedFields"} {
		unstructured.RemoveNestedField(obj.Object, "metadata", key)
	}
	unstructured.RemoveNestedField(obj.Object, "metadata", "annotations", v1alpha1.AnnotationHistory)
	return obj.Object
}

var _ = besideEachGeneration("A restored Cluster", func(e *env) {
	It("is given a new home, step by step, while KubeBlocks does its part", func() {
		By("KubeBlocks restores my1 as carrot67, rules and all")
		my1 := rehometesting.MakeCluster(e.generation, e.namespace, source).Spec(specOf(e.generation, source)).Obj()
		e.create(my1)
		bp1 := rehometesting.MakeBackup(e.namespace, backup).Of(my1).Obj()
		carrot67 := rehometesting.MakeCluster(e.generation, e.namespace, target).
			RestoredFrom("mysql", backup).Annotation("owner", "my1").Spec(specOf(e.generation, source)).Obj()
		e.create(bp1, carrot67)
		mysql := field(specOf(e.generation, source)["componentSpecs"].([]any)[0].(map[string]any), "schedulingPolicy")
		component, restore := e.restoring(carrot67, "mysql", mysql, mysql)
		job := rehometesting.MakeJob(restore, "restore-preparedata-0").Obj()
		e.create(job)
		pod := rehometesting.MakeRestorePod(restore, "restore-preparedata-0-x7k2p").Of(job).Unschedulable(unschedulable).Obj()
		e.create(pod)
		sources := []string{"Cluster " + source, "Backup " + backup}
		beginning := e.versions()
		restoreSpec := e.now(restore).Object["spec"]

		By("Rehome rewrites exactly the leaves of the Cluster that name my1 by inheritance")
		want := withoutVersion(e.now(carrot67))
		want["spec"] = specOf(e.generation, target)
		e.reconcile()
		Expect(e.writes).To(Equal([]string{"patch Cluster carrot67"}))
		Expect(withoutVersion(e.now(carrot67))).To(Equal(want))
		Expect(e.now(restore).Object["spec"]).To(Equal(restoreSpec))
		Expect(e.events).To(ConsistOf(HavePrefix("Normal " + v1alpha1.EventClusterRewritten)))

		By("Rehome waits for the Component")
		e.reconcile()
		Expect(e.condition(restore)).To(say(metav1.ConditionFalse, v1alpha1.ReasonWaitingForComponent))
		waiting := e.versions()
		e.reconcile()
		Expect(e.writes).To(BeEmpty())
		Expect(e.versions()).To(Equal(waiting))

		By("KubeBlocks hands the new rules to the Component, and Rehome deletes the Restore, once")
		rewritten := field(e.now(carrot67).Object["spec"].(map[string]any)["componentSpecs"].([]any)[0].(map[string]any), "schedulingPolicy")
		component = e.now(component)
		component.Object["spec"] = map[string]any{"schedulingPolicy": rewritten}
		Expect(e.admin.Update(e.ctx, component)).To(Succeed())
		e.reconcile()
		Expect(e.writes).To(ContainElement("delete Restore " + restore.GetName()))
		Expect(e.now(restore).GetDeletionTimestamp()).NotTo(BeNil())
		e.reconcile()
		Expect(e.writes).To(ConsistOf("patch status of Restore " + restore.GetName()))
		Expect(e.condition(restore)).To(say(metav1.ConditionFalse, v1alpha1.ReasonRecreatingRestore))
		e.reconcile()
		Expect(e.writes).To(BeEmpty())
		Expect(e.events).To(HaveExactElements(
			HavePrefix("Normal "+v1alpha1.EventClusterRewritten), HavePrefix("Normal "+v1alpha1.EventRestoreRecreated)))

		By("KubeBlocks creates the Restore again, with the new rules")
		e.remove(pod, job, restore)
		e.reconcile()
		Expect(e.writes).To(BeEmpty())
		restore = rehometesting.MakeRestore(e.namespace, restore.GetName()).Of(component).Backup(backup).Policy(rewritten).Obj()
		e.create(restore)
		e.reconcile()
		Expect(e.condition(restore)).To(SatisfyAll(
			say(metav1.ConditionTrue, v1alpha1.ReasonRehomed),
			HaveField("Message", SatisfyAll(
				ContainSubstring("required anti-affinity per node against Pods of cluster my1"),
				ContainSubstring("componentSpecs/mysql"),
				ContainSubstring("Backup "+e.namespace+"/bp1"),
			)),
			HaveField("ObservedGeneration", restore.GetGeneration()),
		))

		By("nothing is left to do")
		end := e.versions()
		e.reconcile()
		Expect(e.writes).To(BeEmpty())
		Expect(e.versions()).To(Equal(end))
		Expect(e.events).To(HaveLen(2))
		for _, name := range sources {
			Expect(end).To(HaveKeyWithValue(name, beginning[name]))
		}
	})

	It("is read and written in the version that KubeBlocks stores", func() {
		Expect(e.reconciler.Apps).To(Equal(e.generation.Apps))
	})

	It("is not rewritten before its Component exists, which KubeBlocks can be creating from the stale rules", func() {
		h := e.stuckRestore(clusterStale)
		e.remove(h.pod, h.job, h.restore, h.component)

		e.reconcile()
		Expect(e.writes).To(BeEmpty())

		component, restore := e.restoring(h.cluster, "mysql", rehometesting.Apart(source), rehometesting.Apart(source))
		e.merge(component, `{"spec":{"replicas":1}}`)
		e.reconcile()
		Expect(e.writes).NotTo(ContainElement("patch Cluster carrot67"))

		e.stuckJob(restore, "restore-preparedata-0")
		e.reconcile()
		Expect(e.writes).To(ContainElement("patch Cluster carrot67"))
	})

	It("is not rewritten while one of its restore Pods can be bound by the stale rules", func() {
		h := e.stuckRestore(clusterStale)
		job := rehometesting.MakeJob(h.restore, "restore-preparedata-1").Obj()
		e.create(job)
		undecided := rehometesting.MakeRestorePod(h.restore, "undecided").Of(job).Obj()
		e.create(undecided)

		components := func(mysql string) []any {
			return []any{
				map[string]any{"name": "mysql", "schedulingPolicy": rehometesting.Apart(mysql)},
				map[string]any{"name": "proxy", "schedulingPolicy": rehometesting.Apart(target)},
			}
		}

		e.reconcile()
		e.reconcile()
		Expect(e.now(h.cluster).Object["spec"]).To(HaveKeyWithValue("componentSpecs", components(source)))
		Expect(ready(e.rehoming())).To(Equal(v1alpha1.ReasonWaitingForScheduler))

		e.remove(undecided)
		e.create(rehometesting.MakeRestorePod(h.restore, "undecided").Of(job).Unschedulable(unschedulable).Obj())
		e.reconcile()
		Expect(e.now(h.cluster).Object["spec"]).To(HaveKeyWithValue("componentSpecs", components(target)))
	})
})
