package controllers

import (
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// seeWorkloads asks the API server, not the cache, what has started: only where an action or a message could hang on it.
func (r *ClusterReconciler) seeWorkloads(ctx context.Context, s *scene) error {
	o := &s.observation
	if len(o.Inherited) == 0 || o.Obstacle != nil {
		return nil
	}
	for i := range o.Restores {
		if o.Restores[i].Finished || o.Restores[i].Failed {
			continue
		}
		if err := r.seeRestore(ctx, s, i); err != nil {
			return err
		}
	}
	if err := r.seeDatabase(ctx, s); err != nil {
		return err
	}
	return r.seeInstances(ctx, s)
}

// seeRestore fills in the Jobs and Pods of a Restore.
func (r *ClusterReconciler) seeRestore(ctx context.Context, s *scene, i int) error {
	restore, seen := &s.restores[i], &s.observation.Restores[i]
	work, err := r.workOf(ctx, restore)
	if err != nil {
		return err
	}
	seen.Started, seen.Undecided = work.StartedPart(restore), work.Undecided()
	owner := kubeblocks.OwnerComponent(restore, s.components)
	for j := range work.Jobs {
		job := &work.Jobs[j]
		policies := kubeblocks.JobPolicies(job, owner)
		stale := len(s.rewritten(policies).Edits) > 0
		stricter := len(seen.Strict) == 0 && seen.Swap == remedy.SwapNone && len(s.strict(policies)) > 0
		seen.Jobs = append(seen.Jobs, remedy.Job{
			Object:    objectOf(job),
			Outdated:  stale || stricter,
			Started:   work.StartedJob(restore, job),
			Undecided: work.UndecidedJob(job),
			HasPods:   len(work.PodsOf(job)) > 0,
			Going:     !job.DeletionTimestamp.IsZero() && !kubeblocks.HasFinalizer(job),
		})
	}
	for j := range work.Pods {
		seen.Pods = append(seen.Pods, podOf(&work.Pods[j]))
	}
	return r.seeTies(ctx, s, seen)
}

// workOf lists the Jobs and Pods of a Restore. For Jobs that count a failed Pod it looks at their claims, too: they tell
// whether that Pod can have been bound.
func (r *ClusterReconciler) workOf(ctx context.Context, restore *kubeblocks.Restore) (kubeblocks.Work, error) {
	ofRestore := []client.ListOption{
		client.InNamespace(restore.Namespace),
		client.MatchingLabels{kubeblocks.LabelRestore: restore.Name},
	}
	var jobs batchv1.JobList
	if err := r.Client.List(ctx, &jobs, ofRestore...); err != nil {
		return kubeblocks.Work{}, fmt.Errorf("list Jobs of the Restore: %w", err)
	}
	work := kubeblocks.Work{Jobs: jobs.Items, Unbound: map[string]bool{}}
	for i := range work.Jobs {
		if work.Jobs[i].Status.Failed == 0 {
			continue
		}
		for _, name := range kubeblocks.ClaimsOf(&work.Jobs[i].Spec.Template.Spec) {
			claim, err := r.claim(ctx, restore.Namespace, name)
			if err != nil {
				return kubeblocks.Work{}, err
			}
			work.Unbound[name] = claim != nil && kubeblocks.NeverMounted(claim)
		}
	}
	// Pods last: what is bound while the rest is read is seen.
	var pods corev1.PodList
	if err := r.Client.List(ctx, &pods, ofRestore...); err != nil {
		return kubeblocks.Work{}, fmt.Errorf("list Pods of the Restore: %w", err)
	}
	work.Pods = pods.Items
	return work, nil
}

// claim returns a claim, or nil where there is none.
func (r *ClusterReconciler) claim(ctx context.Context, namespace, name string) (*corev1.PersistentVolumeClaim, error) {
	claim := &corev1.PersistentVolumeClaim{}
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, claim)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("get PersistentVolumeClaim %s: %w", name, err)
	}
	if err != nil {
		return nil, nil
	}
	return claim, nil
}

func podOf(p *corev1.Pod) remedy.Pod {
	return remedy.Pod{
		Name:          p.Name,
		Node:          p.Spec.NodeName,
		Claims:        kubeblocks.ClaimsOf(&p.Spec),
		Unschedulable: kubeblocks.Unschedulable(p),
		Waiting:       kubeblocks.WaitingFor(p),
	}
}

// seeDatabase fills in which database Pods are bound, where edits of the Cluster hang on it, and where they are, for Restores
// that finished under old rules.
func (r *ClusterReconciler) seeDatabase(ctx context.Context, s *scene) error {
	o := &s.observation
	finishedStale := func(restore remedy.Restore) bool { return restore.Finished && len(restore.Stale) > 0 }
	if len(o.Live.Edits) == 0 && !slices.ContainsFunc(o.Restores, finishedStale) {
		return nil
	}
	pods, err := r.boundDatabasePods(ctx, s)
	if err != nil {
		return err
	}
	for i := range pods {
		o.Bound = append(o.Bound, scopeOf(s, &pods[i]))
	}
	for i := range o.Restores {
		if !finishedStale(o.Restores[i]) {
			continue
		}
		if err := r.seeFinished(ctx, s, &o.Restores[i], pods); err != nil {
			return err
		}
	}
	return nil
}

// seeFinished fills in where the database Pods of a finished Restore are or, before they have nodes, its volumes.
func (r *ClusterReconciler) seeFinished(ctx context.Context, s *scene, seen *remedy.Restore, pods []corev1.Pod) error {
	for i := range pods {
		if kubeblocks.ShortName(pods[i].Labels) == seen.Component {
			seen.Pods = append(seen.Pods, podOf(&pods[i]))
		}
	}
	if len(seen.Pods) > 0 {
		return nil
	}
	return r.seeClaims(ctx, s, seen)
}

func (r *ClusterReconciler) boundDatabasePods(ctx context.Context, s *scene) ([]corev1.Pod, error) {
	var pods corev1.PodList
	err := r.Client.List(ctx, &pods, client.InNamespace(s.cluster.Namespace),
		client.MatchingLabels{kubeblocks.LabelInstance: s.cluster.Name})
	if err != nil {
		return nil, fmt.Errorf("list Pods of the cluster: %w", err)
	}
	var bound []corev1.Pod
	for _, pod := range pods.Items {
		if pod.Spec.NodeName != "" && kubeblocks.IsDatabasePod(&pod) {
			bound = append(bound, pod)
		}
	}
	return bound, nil
}

// scopeOf says which rules of the Cluster govern a database Pod.
func scopeOf(s *scene, p *corev1.Pod) remedy.Scope {
	workload := s.cluster.Name + "-" + p.Labels[kubeblocks.LabelComponentName]
	return remedy.Scope{
		Component: kubeblocks.ShortName(p.Labels),
		Template:  kubeblocks.TemplateOf(p.Name, workload),
	}
}

// seeInstances fills in the database Pods that wait for a node under old rules. There are none in a healthy cluster, and the
// cache knows those that are Pending.
func (r *ClusterReconciler) seeInstances(ctx context.Context, s *scene) error {
	var pods corev1.PodList
	if err := r.PendingPods.List(ctx, &pods, OfCluster(s.cluster)...); err != nil {
		return fmt.Errorf("list pending Pods of the cluster: %w", err)
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		owner := s.componentOf(pod)
		if owner == nil || kubeblocks.WasBound(pod) || pod.DeletionTimestamp != nil || !kubeblocks.IsDatabasePod(pod) ||
			len(s.rewritten(kubeblocks.PodPolicies(pod, owner)).Edits) == 0 {
			continue
		}
		if err := r.seeInstance(ctx, s, pod, owner); err != nil {
			return err
		}
	}
	return nil
}

// componentOf returns the Component that a Pod belongs to, or nil.
func (s *scene) componentOf(p *corev1.Pod) *kubeblocks.Component {
	for i := range s.components {
		if s.components[i].Labels[kubeblocks.LabelComponentName] == p.Labels[kubeblocks.LabelComponentName] {
			return &s.components[i]
		}
	}
	return nil
}

func (r *ClusterReconciler) seeInstance(ctx context.Context, s *scene, pod *corev1.Pod, owner *kubeblocks.Component) error {
	controller := metav1.GetControllerOf(pod)
	if controller == nil {
		return nil
	}
	set := &kubeblocks.InstanceSet{}
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: pod.Namespace, Name: controller.Name}, set)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("get InstanceSet %s: %w", controller.Name, err)
	}
	if err != nil || set.UID != controller.UID {
		return nil
	}
	var siblings corev1.PodList
	err = r.Client.List(ctx, &siblings, client.InNamespace(pod.Namespace), client.MatchingLabels{kubeblocks.LabelWorkload: set.Name})
	if err != nil {
		return fmt.Errorf("list Pods of InstanceSet %s: %w", set.Name, err)
	}
	instance := remedy.Instance{
		Object:        objectOf(pod),
		TemplateStale: len(s.rewritten(kubeblocks.InstanceSetPolicies(set, owner)).Edits) > 0,
	}
	if r.RecreatePods {
		instance.Kept = kubeblocks.KeepsPending(r.Apps, set, len(siblings.Items))
	}
	for _, name := range kubeblocks.ClaimsOf(&pod.Spec) {
		claim, err := r.claim(ctx, pod.Namespace, name)
		if err != nil {
			return err
		}
		instance.NodeSelected = instance.NodeSelected || claim != nil && kubeblocks.SelectedNode(claim) != ""
	}
	s.observation.Instances = append(s.observation.Instances, instance)
	return nil
}
