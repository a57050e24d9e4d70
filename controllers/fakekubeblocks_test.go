package controllers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// fakeKubeBlocks plays KubeBlocks, the Job controller, the garbage collector, the scheduler and the kubelet around one restored
// Cluster, one step after another, as KubeBlocks up to 1.1 does it:
//   - a Component follows the Cluster's componentSpecs, an InstanceSet's template follows the Component, a Restore never
//     follows anything;
//   - a Component that is restored has a Restore, made of the Component's rules; a deleted one loses its Jobs, then its
//     finalizer, and is made anew under the same name;
//   - a Running Restore has its Jobs, made of the Restore's rules; one that exists by its name exists, even while it is being
//     deleted; each is held by a finalizer;
//   - a Job has a Pod; one that vanishes counts as failed; the Pods of a Job that is gone go, too;
//   - an InstanceSet has its Pods, and, OnDelete, replaces none;
//   - a Pod is bound to the first node that has room and no Pod that its required anti-affinity names; else it is told why not;
//   - when every Pod of a Restore is bound, its Jobs and the Restore complete: until then the restore-manager of 1.0.2 keeps
//     Pods that are done alive.
//
// It does not play: what an operation or an update of KubeBlocks does to a Cluster in between, failures of Jobs, volumes, other
// rules of the scheduler than anti-affinity per node, the reverse of anti-affinity, KubeBlocks' conditions. Tests that need one
// of these play it themselves.
//
// A step goes from effects to causes, so that Rehome gets to see all that is in between; a quick one goes from causes to effects.
type fakeKubeBlocks struct {
	ctx        context.Context
	admin      client.Client
	generation rehometesting.Generation
	namespace  string
	// cluster is the Cluster's name; jobs is how many a Restore has.
	cluster string
	jobs    int
	nodes   []node
	// short, where it is not empty, is why the scheduler turns down whatever Pod the rules would let pass.
	short string
	quick bool
	// database says that there are InstanceSets.
	database bool

	// pods holds the Pod that each Job was given: the Job controller knows of it although it is gone.
	pods map[types.UID]types.UID
	// others are the Pods of the cluster that was backed up: they stay where they are.
	others []corev1.Pod

	seen  objects
	moved bool
}

// node is a node with room for so many Pods of the Cluster.
type node struct {
	name string
	room int
}

// objects is what a step begins with.
type objects struct {
	components []kubeblocks.Component
	restores   []kubeblocks.Restore
	sets       []kubeblocks.InstanceSet
	jobs       []batchv1.Job
	pods       []corev1.Pod
}

// step lets everybody act once, and reports whether anybody did.
func (k *fakeKubeBlocks) step() bool {
	GinkgoHelper()
	k.moved = false
	k.look()
	acts := []func(){
		k.syncComponents, k.syncInstanceSets, k.finalizeRestores, k.createRestores, k.createJobs,
		k.collectGarbage, k.createRestorePods, k.createDatabasePods, k.schedule, k.completeRestores,
	}
	if !k.quick {
		slices.Reverse(acts)
	}
	for _, act := range acts {
		act()
	}
	return k.moved
}

// settle steps until nobody acts any more.
func (k *fakeKubeBlocks) settle() {
	GinkgoHelper()
	for range 20 {
		if !k.step() {
			return
		}
	}
	Fail("KubeBlocks does not come to rest")
}

func (k *fakeKubeBlocks) look() {
	GinkgoHelper()
	var components kubeblocks.ComponentList
	var restores kubeblocks.RestoreList
	var sets kubeblocks.InstanceSetList
	var jobs batchv1.JobList
	var pods corev1.PodList
	k.list(&components, k.cluster)
	k.list(&restores, k.cluster)
	k.list(&jobs, k.cluster)
	k.list(&pods, k.cluster)
	if k.database {
		k.list(&sets, k.cluster)
	}
	if k.others == nil {
		var others corev1.PodList
		k.list(&others, source)
		k.others = others.Items
	}
	k.seen = objects{components.Items, restores.Items, sets.Items, jobs.Items, pods.Items}
}

func (k *fakeKubeBlocks) list(list client.ObjectList, cluster string) {
	GinkgoHelper()
	Expect(k.admin.List(k.ctx, list, client.InNamespace(k.namespace),
		client.MatchingLabels{kubeblocks.LabelInstance: cluster})).To(Succeed())
}

// syncComponents hands the Cluster's rules to its Components.
func (k *fakeKubeBlocks) syncComponents() {
	GinkgoHelper()
	cluster := &kubeblocks.Cluster{}
	Expect(k.admin.Get(k.ctx, k.key(k.cluster), cluster)).To(Succeed())
	for i := range k.seen.components {
		component := &k.seen.components[i]
		for _, spec := range cluster.Spec.ComponentSpecs {
			if spec.Name == component.Labels[kubeblocks.LabelComponentName] &&
				!equality.Semantic.DeepEqual(spec.SchedulingPolicy, component.Spec.SchedulingPolicy) {
				k.merge(component, map[string]any{"spec": map[string]any{"schedulingPolicy": spec.SchedulingPolicy}})
				component.Spec.SchedulingPolicy = spec.SchedulingPolicy
			}
		}
	}
}

// syncInstanceSets hands the rules of Components to the templates of their InstanceSets.
func (k *fakeKubeBlocks) syncInstanceSets() {
	GinkgoHelper()
	for i := range k.seen.sets {
		set := &k.seen.sets[i]
		component := k.componentOf(set)
		if component != nil && !equality.Semantic.DeepEqual(&set.Spec.Template.Spec, component.Spec.SchedulingPolicy) {
			k.merge(set, map[string]any{"spec": map[string]any{"template": map[string]any{"spec": component.Spec.SchedulingPolicy}}})
		}
	}
}

func (k *fakeKubeBlocks) componentOf(obj client.Object) *kubeblocks.Component {
	i := slices.IndexFunc(k.seen.components, func(c kubeblocks.Component) bool { return metav1.IsControlledBy(obj, &c) })
	if i < 0 {
		return nil
	}
	return &k.seen.components[i]
}

// createRestores creates the Restores that are missing.
func (k *fakeKubeBlocks) createRestores() {
	GinkgoHelper()
	for i := range k.seen.components {
		component := &k.seen.components[i]
		if slices.ContainsFunc(k.seen.restores, func(r kubeblocks.Restore) bool { return metav1.IsControlledBy(&r, component) }) {
			continue
		}
		owner := &unstructured.Unstructured{}
		owner.SetGroupVersionKind(k.generation.Apps.WithKind("Component"))
		Expect(k.admin.Get(k.ctx, client.ObjectKeyFromObject(component), owner)).To(Succeed())
		policy, _, _ := unstructured.NestedMap(owner.Object, "spec", "schedulingPolicy")
		restore := rehometesting.MakeRestore(k.namespace, component.Name+"-preparedata").Of(owner).Backup(backup).Policy(policy).Obj()
		k.create(restore)
		k.mergeStatus(restore, map[string]any{"phase": kubeblocks.RestoreRunning})
		created := kubeblocks.Restore{}
		Expect(k.admin.Get(k.ctx, client.ObjectKeyFromObject(restore), &created)).To(Succeed())
		k.seen.restores = append(k.seen.restores, created)
	}
}

// finalizeRestores ends Restores that are being deleted: their Jobs and Pods first.
func (k *fakeKubeBlocks) finalizeRestores() {
	GinkgoHelper()
	k.seen.restores = slices.DeleteFunc(k.seen.restores, func(restore kubeblocks.Restore) bool {
		if restore.DeletionTimestamp.IsZero() {
			return false
		}
		k.seen.jobs = slices.DeleteFunc(k.seen.jobs, func(job batchv1.Job) bool {
			if ofRestore(&job, &restore) {
				k.removePods(&job)
				k.remove(&job)
			}
			return ofRestore(&job, &restore)
		})
		k.remove(&restore)
		return true
	})
}

func ofRestore(obj client.Object, restore *kubeblocks.Restore) bool {
	return obj.GetLabels()[kubeblocks.LabelRestore] == restore.Name
}

// createJobs creates the Jobs that Running Restores miss.
func (k *fakeKubeBlocks) createJobs() {
	GinkgoHelper()
	for i := range k.seen.restores {
		restore := &k.seen.restores[i]
		if restore.Status.Phase != kubeblocks.RestoreRunning || !restore.DeletionTimestamp.IsZero() {
			continue
		}
		for ordinal := range k.jobs {
			name := fmt.Sprintf("restore-preparedata-%.8s-%s-%d", restore.UID, backup, ordinal)
			if slices.ContainsFunc(k.seen.jobs, func(j batchv1.Job) bool { return j.Name == name }) {
				continue
			}
			whole := &unstructured.Unstructured{}
			whole.SetGroupVersionKind(kubeblocks.DataProtectionV1alpha1.WithKind("Restore"))
			Expect(k.admin.Get(k.ctx, client.ObjectKeyFromObject(restore), whole)).To(Succeed())
			job := rehometesting.MakeJob(whole, name).Obj()
			k.create(job)
			k.seen.jobs = append(k.seen.jobs, *job)
		}
	}
}

// createRestorePods gives each Job its Pod, and counts one that vanished.
func (k *fakeKubeBlocks) createRestorePods() {
	GinkgoHelper()
	for i := range k.seen.jobs {
		job := &k.seen.jobs[i]
		if !job.DeletionTimestamp.IsZero() || job.Status.Succeeded > 0 || k.hasPod(job) {
			continue
		}
		if _, had := k.pods[job.UID]; had {
			k.mergeStatus(job, map[string]any{"failed": job.Status.Failed + 1})
		}
		pod := &corev1.Pod{Spec: job.Spec.Template.Spec}
		pod.Namespace, pod.Name = k.namespace, job.Name+"-"+utilrand.String(5)
		pod.Labels = job.Spec.Template.Labels
		pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))}
		k.create(pod)
		k.pods[job.UID] = pod.UID
		k.seen.pods = append(k.seen.pods, *pod)
	}
}

func (k *fakeKubeBlocks) hasPod(owner client.Object) bool {
	return slices.ContainsFunc(k.seen.pods, func(p corev1.Pod) bool { return metav1.IsControlledBy(&p, owner) })
}

// createDatabasePods creates the Pods that InstanceSets miss.
func (k *fakeKubeBlocks) createDatabasePods() {
	GinkgoHelper()
	for i := range k.seen.sets {
		set := &k.seen.sets[i]
		for ordinal := range int(*set.Spec.Replicas) {
			name := fmt.Sprintf("%s-%d", set.Name, ordinal)
			if slices.ContainsFunc(k.seen.pods, func(p corev1.Pod) bool { return p.Name == name }) {
				continue
			}
			pod := rehometesting.MakeDatabasePod(k.componentOf(set), name).Obj()
			pod.Labels[kubeblocks.LabelWorkload] = set.Name
			pod.Spec.Affinity = set.Spec.Template.Spec.Affinity
			pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(set, k.generation.Workloads().WithKind("InstanceSet"))}
			k.create(pod)
			k.seen.pods = append(k.seen.pods, *pod)
		}
	}
}

// collectGarbage removes the Pods of Jobs that are gone.
func (k *fakeKubeBlocks) collectGarbage() {
	GinkgoHelper()
	k.seen.pods = slices.DeleteFunc(k.seen.pods, func(pod corev1.Pod) bool {
		owner := metav1.GetControllerOf(&pod)
		if owner == nil || !isJob(*owner) ||
			slices.ContainsFunc(k.seen.jobs, func(j batchv1.Job) bool { return j.UID == owner.UID }) {
			return false
		}
		k.remove(&pod)
		return true
	})
}

func isJob(owner metav1.OwnerReference) bool { return owner.Kind == "Job" }

// completeRestores completes Restores that have all their Jobs, each with a bound Pod.
func (k *fakeKubeBlocks) completeRestores() {
	GinkgoHelper()
	for i := range k.seen.restores {
		restore := &k.seen.restores[i]
		jobs := slices.DeleteFunc(slices.Clone(k.seen.jobs), func(j batchv1.Job) bool { return !ofRestore(&j, restore) })
		if restore.Status.Phase != kubeblocks.RestoreRunning || !restore.DeletionTimestamp.IsZero() || len(jobs) < k.jobs {
			continue
		}
		if slices.ContainsFunc(jobs, func(j batchv1.Job) bool { return !k.isBound(&j) }) {
			continue
		}
		k.complete(restore, jobs)
	}
}

func (k *fakeKubeBlocks) isBound(job *batchv1.Job) bool {
	return slices.ContainsFunc(k.seen.pods, func(p corev1.Pod) bool { return metav1.IsControlledBy(&p, job) && p.Spec.NodeName != "" })
}

func (k *fakeKubeBlocks) complete(restore *kubeblocks.Restore, jobs []batchv1.Job) {
	GinkgoHelper()
	var actions []any
	for i := range jobs {
		k.mergeStatus(&jobs[i], map[string]any{"succeeded": 1})
		actions = append(actions, map[string]any{"objectKey": "Job/" + jobs[i].Name, "status": kubeblocks.RestoreActionCompleted})
	}
	k.mergeStatus(restore, map[string]any{"phase": kubeblocks.RestoreCompleted, "actions": map[string]any{"prepareData": actions}})
}

func (k *fakeKubeBlocks) key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: k.namespace, Name: name}
}

func (k *fakeKubeBlocks) create(obj client.Object) {
	GinkgoHelper()
	k.moved = true
	Expect(k.admin.Create(k.ctx, obj)).To(Succeed())
}

// merge sends a merge patch that names no version, as KubeBlocks does.
func (k *fakeKubeBlocks) merge(obj client.Object, patch map[string]any) {
	GinkgoHelper()
	k.moved = true
	data, err := json.Marshal(patch)
	Expect(err).NotTo(HaveOccurred())
	target := obj.DeepCopyObject().(client.Object)
	Expect(k.admin.Patch(k.ctx, target, client.RawPatch(types.MergePatchType, data))).To(Succeed())
}

// mergeStatus is merge for the status.
func (k *fakeKubeBlocks) mergeStatus(obj client.Object, status map[string]any) {
	GinkgoHelper()
	k.moved = true
	data, err := json.Marshal(map[string]any{"status": status})
	Expect(err).NotTo(HaveOccurred())
	target := obj.DeepCopyObject().(client.Object)
	Expect(k.admin.Status().Patch(k.ctx, target, client.RawPatch(types.MergePatchType, data))).To(Succeed())
}

// removePods removes the Pods of a Job.
func (k *fakeKubeBlocks) removePods(job *batchv1.Job) {
	GinkgoHelper()
	k.seen.pods = slices.DeleteFunc(k.seen.pods, func(p corev1.Pod) bool {
		if metav1.IsControlledBy(&p, job) {
			k.remove(&p)
		}
		return metav1.IsControlledBy(&p, job)
	})
}

// remove deletes an object, and takes away what holds it.
func (k *fakeKubeBlocks) remove(obj client.Object) {
	GinkgoHelper()
	if len(obj.GetFinalizers()) > 0 {
		k.merge(obj, map[string]any{"metadata": map[string]any{"finalizers": nil}})
	}
	k.moved = true
	err := k.admin.Delete(k.ctx, obj, client.GracePeriodSeconds(0), client.PropagationPolicy(metav1.DeletePropagationBackground))
	Expect(client.IgnoreNotFound(err)).To(Succeed())
}
