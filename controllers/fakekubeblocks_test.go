package controllers_test

import (
	"cmp"
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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// fakeKubeBlocks acts as KubeBlocks up to 1.1, the Job controller, the garbage collector, the scheduler and the kubelet do around
// one restored Cluster:
//   - a Component follows the Cluster's componentSpecs, an InstanceSet's template follows the Component, a Restore follows nothing;
//   - a Component that is restored has a Restore, created from the Component's rules. A deleted Restore loses its Jobs, then its
//     finalizer, and is re-created under the same name;
//   - a Running Restore has its Jobs, created from the Restore's rules, each with a finalizer. A Job that is being deleted exists. A
//     Serial Restore creates a Job when the one before it has succeeded;
//   - a Job has a Pod. One that vanishes counts as failed. The Pods of a deleted Job are deleted, too;
//   - an InstanceSet has its Pods. OnDelete, it replaces none;
//   - a Pod is bound to the first node that has room and no Pod that its required anti-affinity selects;
//   - when every Pod of a Restore is bound, its Jobs and the Restore complete. Until then the restore-manager of 1.0.2 keeps Pods
//     that are done alive.
//
// Where volumes are tied, it does what is in faketied_test.go, too.
//
// It does not do: operations and updates of KubeBlocks, failures of Jobs, other rules than anti-affinity per node, the reverse of
// anti-affinity, KubeBlocks' conditions. Tests that need one of these do it themselves.
type fakeKubeBlocks struct {
	ctx        context.Context
	admin      client.Client
	generation rehometesting.Generation
	namespace  string
	// cluster is the Cluster's name; jobs is how many a Restore has.
	cluster string
	jobs    int
	nodes   []node
	// short, where it is not empty, is why the scheduler finds no node for Pods that no rule forbids.
	short string
	// quick says that a step goes from causes to effects. Else it goes from effects to causes, so that Rehome observes all states.
	quick bool
	// database says that there are InstanceSets, serial that Restores are Serial, tied that a volume stays on the node of its first Pod.
	database, serial, tied bool
	// stale is the Cluster as the cluster controller read it, where it has not created the Component yet.
	stale *unstructured.Unstructured

	// pods holds the Pod that each Job was given: the Job controller knows of it although it is gone. created counts them.
	pods    map[types.UID]types.UID
	created int
	// others are the Pods of the cluster that was backed up: they stay where they are.
	others []corev1.Pod

	seen objects
}

// node is a node with room for so many Pods of the Cluster.
type node struct {
	name string
	room int
}

// objects is what an actor finds.
type objects struct {
	components []kubeblocks.Component
	restores   []kubeblocks.Restore
	sets       []kubeblocks.InstanceSet
	jobs       []batchv1.Job
	pods       []corev1.Pod
	claims     []corev1.PersistentVolumeClaim
}

// actor is one control loop. due lists the writes that it would do now. Each stands alone.
type actor struct {
	name string
	due  func() []write
}

// write is a write that is due, and a text for traces.
type write struct {
	what string
	do   func()
}

// actors lists all control loops, from causes to effects.
func (k *fakeKubeBlocks) actors() []actor {
	return []actor{
		{"cluster controller", k.createComponent},
		{"cluster controller", k.syncComponents},
		{"component controller", k.createInstanceSets},
		{"component controller", k.syncInstanceSets},
		{"restore controller", k.finalizeRestores},
		{"component controller", k.createRestores},
		{"restore controller", k.startRestores},
		{"restore controller", k.createJobs},
		{"garbage collector", k.collectGarbage},
		{"job controller", k.createRestorePods},
		{"instanceset controller", k.createDatabasePods},
		{"scheduler", k.schedule},
		{"kubelet", k.startPods},
		{"restore manager", k.succeed},
		{"restore controller", k.completeRestores},
	}
}

// step lets every actor do what is due, and reports whether anything was.
func (k *fakeKubeBlocks) step() bool {
	GinkgoHelper()
	moved := false
	actors := k.actors()
	if !k.quick {
		slices.Reverse(actors)
	}
	for _, a := range actors {
		for range maxWrites {
			k.read()
			due := a.due()
			if len(due) == 0 {
				break
			}
			due[0].do()
			moved = true
		}
	}
	return moved
}

// maxWrites bounds what an actor does in a step.
const maxWrites = 50

// settle steps until nothing is due.
func (k *fakeKubeBlocks) settle() {
	GinkgoHelper()
	for range 20 {
		if !k.step() {
			return
		}
	}
	Fail("KubeBlocks does not settle")
}

// read reads everything that an actor depends on.
func (k *fakeKubeBlocks) read() {
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
	var claims corev1.PersistentVolumeClaimList
	if k.tied {
		k.list(&claims, k.cluster)
	}
	if k.others == nil {
		var others corev1.PodList
		k.list(&others, source)
		k.others = others.Items
	}
	k.seen = objects{components.Items, restores.Items, sets.Items, jobs.Items, pods.Items, claims.Items}
}

func (k *fakeKubeBlocks) list(list client.ObjectList, cluster string) {
	GinkgoHelper()
	Expect(k.admin.List(k.ctx, list, client.InNamespace(k.namespace),
		client.MatchingLabels{kubeblocks.LabelInstance: cluster})).To(Succeed())
}

// syncComponents copies the Cluster's rules to its Components.
func (k *fakeKubeBlocks) syncComponents() []write {
	GinkgoHelper()
	cluster := &kubeblocks.Cluster{}
	Expect(k.admin.Get(k.ctx, k.key(k.cluster), cluster)).To(Succeed())
	var due []write
	for i := range k.seen.components {
		component := &k.seen.components[i]
		for _, spec := range cluster.Spec.ComponentSpecs {
			if spec.Name != component.Labels[kubeblocks.LabelComponentName] ||
				equality.Semantic.DeepEqual(spec.SchedulingPolicy, component.Spec.SchedulingPolicy) &&
					equality.Semantic.DeepEqual(spec.Instances, component.Spec.Instances) {
				continue
			}
			due = append(due, k.merge(component, map[string]any{"spec": map[string]any{
				"schedulingPolicy": spec.SchedulingPolicy, "instances": spec.Instances,
			}}))
		}
	}
	return due
}

// syncInstanceSets copies the rules of Components to the templates of their InstanceSets.
func (k *fakeKubeBlocks) syncInstanceSets() []write {
	GinkgoHelper()
	var due []write
	for i := range k.seen.sets {
		set := &k.seen.sets[i]
		component := k.componentOf(set)
		if component == nil || equality.Semantic.DeepEqual(&set.Spec.Template.Spec, component.Spec.SchedulingPolicy) &&
			equality.Semantic.DeepEqual(set.Spec.Instances, component.Spec.Instances) {
			continue
		}
		due = append(due, k.merge(set, map[string]any{"spec": map[string]any{
			"template": map[string]any{"spec": component.Spec.SchedulingPolicy}, "instances": component.Spec.Instances,
		}}))
	}
	return due
}

func (k *fakeKubeBlocks) componentOf(obj client.Object) *kubeblocks.Component {
	i := slices.IndexFunc(k.seen.components, func(c kubeblocks.Component) bool { return metav1.IsControlledBy(obj, &c) })
	if i < 0 {
		return nil
	}
	return &k.seen.components[i]
}

// createRestores creates the Restores that are missing.
func (k *fakeKubeBlocks) createRestores() []write {
	GinkgoHelper()
	var due []write
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
		if k.serial {
			Expect(unstructured.SetNestedField(restore.Object, string(kubeblocks.RestoreSerial), "spec", "prepareDataConfig", "volumeClaimRestorePolicy")).To(Succeed())
		}
		due = append(due, k.create(restore))
	}
	return due
}

// startRestores sets the phase of new Restores.
func (k *fakeKubeBlocks) startRestores() []write {
	var due []write
	for i := range k.seen.restores {
		if restore := &k.seen.restores[i]; restore.Status.Phase == "" && restore.DeletionTimestamp.IsZero() {
			due = append(due, k.mergeStatus(restore, map[string]any{"phase": kubeblocks.RestoreRunning}))
		}
	}
	return due
}

// finalizeRestores deletes the Jobs of deleted Restores, then removes the finalizers of the Restores.
func (k *fakeKubeBlocks) finalizeRestores() []write {
	var due []write
	for i := range k.seen.restores {
		restore := &k.seen.restores[i]
		if restore.DeletionTimestamp.IsZero() {
			continue
		}
		var jobs []write
		for j := range k.seen.jobs {
			if job := &k.seen.jobs[j]; ofRestore(job, restore) {
				jobs = append(jobs, k.remove(job))
			}
		}
		if len(jobs) == 0 {
			jobs = []write{k.remove(restore)}
		}
		due = append(due, jobs...)
	}
	return due
}

func ofRestore(obj client.Object, restore *kubeblocks.Restore) bool {
	return obj.GetLabels()[kubeblocks.LabelRestore] == restore.Name
}

// createJobs creates the Jobs that Running Restores miss.
func (k *fakeKubeBlocks) createJobs() []write {
	GinkgoHelper()
	var due []write
	for i := range k.seen.restores {
		restore := &k.seen.restores[i]
		if restore.Status.Phase != kubeblocks.RestoreRunning || !restore.DeletionTimestamp.IsZero() {
			continue
		}
		for ordinal := range k.jobs {
			name := fmt.Sprintf("restore-preparedata-%.8s-%s-%d", restore.UID, backup, ordinal)
			j := slices.IndexFunc(k.seen.jobs, func(j batchv1.Job) bool { return j.Name == name })
			if j < 0 {
				whole := &unstructured.Unstructured{}
				whole.SetGroupVersionKind(kubeblocks.DataProtectionV1alpha1.WithKind("Restore"))
				Expect(k.admin.Get(k.ctx, client.ObjectKeyFromObject(restore), whole)).To(Succeed())
				due = append(due, k.createJob(restore, rehometesting.MakeJob(whole, name), ordinal))
			}
			if isSerial(restore) && (j < 0 || k.seen.jobs[j].Status.Succeeded == 0) {
				break
			}
		}
	}
	return due
}

func isSerial(restore *kubeblocks.Restore) bool {
	return restore.Spec.PrepareDataConfig.VolumeClaimRestorePolicy == kubeblocks.RestoreSerial
}

// createRestorePods creates the Pod of each Job, and counts one that vanished.
func (k *fakeKubeBlocks) createRestorePods() []write {
	var due []write
	for i := range k.seen.jobs {
		job := &k.seen.jobs[i]
		if !job.DeletionTimestamp.IsZero() || job.Status.Succeeded > 0 || k.podOf(job) != nil {
			continue
		}
		if _, had := k.pods[job.UID]; had {
			count := k.mergeStatus(job, map[string]any{"failed": job.Status.Failed + 1})
			due = append(due, write{count.what, func() {
				delete(k.pods, job.UID)
				count.do()
			}})
			continue
		}
		pod := &corev1.Pod{Spec: job.Spec.Template.Spec}
		pod.Namespace, pod.Name = k.namespace, fmt.Sprintf("%s-%05d", job.Name, k.created)
		pod.Labels = job.Spec.Template.Labels
		pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))}
		create := k.create(pod)
		due = append(due, write{create.what, func() {
			create.do()
			k.created++
			k.pods[job.UID] = pod.UID
		}})
	}
	return due
}

// podOf returns the Pod of a Job, or nil.
func (k *fakeKubeBlocks) podOf(job *batchv1.Job) *corev1.Pod {
	i := slices.IndexFunc(k.seen.pods, func(p corev1.Pod) bool { return metav1.IsControlledBy(&p, job) })
	if i < 0 {
		return nil
	}
	return &k.seen.pods[i]
}

// createDatabasePods creates the Pods that InstanceSets miss: one of each instance template, the others of the set's own.
func (k *fakeKubeBlocks) createDatabasePods() []write {
	var due []write
	for i := range k.seen.sets {
		set := &k.seen.sets[i]
		affinity := map[string]*corev1.Affinity{}
		for _, template := range set.Spec.Instances {
			affinity[set.Name+"-"+template.Name+"-0"] = template.SchedulingPolicy.Affinity
		}
		for ordinal := range int(*set.Spec.Replicas) - len(set.Spec.Instances) {
			affinity[fmt.Sprintf("%s-%d", set.Name, ordinal)] = set.Spec.Template.Spec.Affinity
		}
		for name, rules := range affinity {
			if slices.ContainsFunc(k.seen.pods, func(p corev1.Pod) bool { return p.Name == name }) {
				continue
			}
			pod := rehometesting.MakeDatabasePod(k.componentOf(set), name).Obj()
			k.mount(pod)
			pod.Labels[kubeblocks.LabelWorkload] = set.Name
			pod.Spec.Affinity = rules
			pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(set, k.generation.Workloads().WithKind("InstanceSet"))}
			due = append(due, k.create(pod))
		}
	}
	slices.SortFunc(due, func(a, b write) int { return cmp.Compare(a.what, b.what) })
	return due
}

// collectGarbage deletes the Pods of Jobs that are gone.
func (k *fakeKubeBlocks) collectGarbage() []write {
	var due []write
	for i := range k.seen.pods {
		owner := metav1.GetControllerOf(&k.seen.pods[i])
		if owner != nil && isJob(*owner) && !slices.ContainsFunc(k.seen.jobs, func(j batchv1.Job) bool { return j.UID == owner.UID }) {
			due = append(due, k.remove(&k.seen.pods[i]))
		}
	}
	return due
}

func isJob(owner metav1.OwnerReference) bool { return owner.Kind == "Job" }

// startPods starts Pods that are bound.
func (k *fakeKubeBlocks) startPods() []write {
	var due []write
	for i := range k.seen.pods {
		if pod := &k.seen.pods[i]; pod.Spec.NodeName != "" && pod.Status.StartTime == nil {
			due = append(due, k.mergeStatus(pod, map[string]any{"phase": corev1.PodRunning, "startTime": metav1.Now()}))
		}
	}
	return due
}

// succeed ends the Jobs of a Restore once each has a bound Pod. A Serial Restore has one Job at a time.
func (k *fakeKubeBlocks) succeed() []write {
	var due []write
	for i := range k.seen.restores {
		restore := &k.seen.restores[i]
		jobs := k.jobsOf(restore)
		if restore.Status.Phase != kubeblocks.RestoreRunning || !restore.DeletionTimestamp.IsZero() ||
			len(jobs) < k.jobs && !isSerial(restore) || slices.ContainsFunc(jobs, func(j batchv1.Job) bool { return !k.isBound(&j) }) {
			continue
		}
		for j := range jobs {
			switch pod := k.podOf(&jobs[j]); {
			case pod.Status.Phase == corev1.PodRunning:
				due = append(due, k.mergeStatus(pod, map[string]any{"phase": corev1.PodSucceeded}))
			case pod.Status.Phase == corev1.PodSucceeded && jobs[j].Status.Succeeded == 0:
				due = append(due, k.mergeStatus(&jobs[j], map[string]any{"succeeded": 1}))
			}
		}
	}
	return due
}

func (k *fakeKubeBlocks) jobsOf(restore *kubeblocks.Restore) []batchv1.Job {
	return slices.DeleteFunc(slices.Clone(k.seen.jobs), func(j batchv1.Job) bool { return !ofRestore(&j, restore) })
}

func (k *fakeKubeBlocks) isBound(job *batchv1.Job) bool {
	pod := k.podOf(job)
	return pod != nil && pod.Spec.NodeName != ""
}

// completeRestores completes Restores whose Jobs have all succeeded.
func (k *fakeKubeBlocks) completeRestores() []write {
	var due []write
	for i := range k.seen.restores {
		restore := &k.seen.restores[i]
		jobs := k.jobsOf(restore)
		if restore.Status.Phase != kubeblocks.RestoreRunning || !restore.DeletionTimestamp.IsZero() || len(jobs) < k.jobs ||
			slices.ContainsFunc(jobs, func(j batchv1.Job) bool { return j.Status.Succeeded == 0 }) {
			continue
		}
		actions := make([]any, 0, len(jobs))
		for _, job := range jobs {
			actions = append(actions, map[string]any{"objectKey": "Job/" + job.Name, "status": kubeblocks.RestoreActionCompleted})
		}
		due = append(due, k.mergeStatus(restore, map[string]any{
			"phase": kubeblocks.RestoreCompleted, "actions": map[string]any{"prepareData": actions},
		}))
	}
	return due
}

func (k *fakeKubeBlocks) key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: k.namespace, Name: name}
}

func (k *fakeKubeBlocks) create(obj client.Object) write {
	return write{"create " + nameOf(obj), func() {
		GinkgoHelper()
		Expect(k.admin.Create(k.ctx, obj)).To(Succeed())
	}}
}

// merge sends a merge patch that names no version, as KubeBlocks does.
func (k *fakeKubeBlocks) merge(obj client.Object, patch map[string]any) write {
	return write{"patch " + nameOf(obj), func() {
		GinkgoHelper()
		Expect(k.admin.Patch(k.ctx, copyOf(obj), mergePatch(patch))).To(Succeed())
	}}
}

// mergeStatus is merge for the status.
func (k *fakeKubeBlocks) mergeStatus(obj client.Object, status map[string]any) write {
	return write{"patch status of " + nameOf(obj), func() {
		GinkgoHelper()
		Expect(k.admin.Status().Patch(k.ctx, copyOf(obj), mergePatch(map[string]any{"status": status}))).To(Succeed())
	}}
}

// remove removes the finalizers of an object or, where it has none, deletes it.
func (k *fakeKubeBlocks) remove(obj client.Object) write {
	if len(obj.GetFinalizers()) > 0 {
		return k.merge(obj, map[string]any{"metadata": map[string]any{"finalizers": nil}})
	}
	return write{"delete " + nameOf(obj), func() {
		GinkgoHelper()
		err := k.admin.Delete(k.ctx, obj, client.GracePeriodSeconds(0), client.PropagationPolicy(metav1.DeletePropagationBackground))
		Expect(client.IgnoreNotFound(err)).To(Succeed())
	}}
}

func mergePatch(patch map[string]any) client.Patch {
	GinkgoHelper()
	data, err := json.Marshal(patch)
	Expect(err).NotTo(HaveOccurred())
	return client.RawPatch(types.MergePatchType, data)
}

func copyOf(obj client.Object) client.Object { return obj.DeepCopyObject().(client.Object) }

// nameOf names an object in a trace.
func nameOf(obj client.Object) string { return fmt.Sprintf("%T %s", obj, obj.GetName()) }
