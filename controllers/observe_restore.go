package controllers

import (
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// observeWorkloads reads Jobs and Pods live, because a delete may follow. Those of Restores are always read, because a Pod can be
// Unschedulable although nothing was inherited.
func (r *ClusterReconciler) observeWorkloads(ctx context.Context, s *scope) error {
	if err := r.observeRestores(ctx, s); err != nil {
		return err
	}
	if err := r.observeWaiting(ctx, s); err != nil {
		return err
	}
	if !s.observation.Concerns(s.observed()) || s.observation.Obstacle != nil {
		return nil
	}
	for i := range s.restores {
		if restore := &s.restores[i]; restore.unfinished() {
			if err := r.observeVolumes(ctx, s, &restore.observed); err != nil {
				return err
			}
			if err := r.observeSiblings(ctx, s, restore); err != nil {
				return err
			}
		}
	}
	if err := r.observeDatabase(ctx, s); err != nil {
		return err
	}
	if err := r.observePlacement(ctx, s); err != nil {
		return err
	}
	if err := r.observeAwaited(ctx, s); err != nil {
		return err
	}
	return r.observeInstances(ctx, s)
}

// unfinished reports whether KubeBlocks still works on a Restore.
func (r *restoreScope) unfinished() bool { return !r.observed.Finished && !r.observed.Failed }

func (s *scope) unfinishedRestores() []*kubeblocks.Restore {
	var unfinished []*kubeblocks.Restore
	for i := range s.restores {
		if s.restores[i].unfinished() {
			unfinished = append(unfinished, s.restores[i].object)
		}
	}
	return unfinished
}

// observeRestores fills in the Jobs and Pods of the unfinished Restores. One list of each serves all of them.
func (r *ClusterReconciler) observeRestores(ctx context.Context, s *scope) error {
	unfinished := s.unfinishedRestores()
	if len(unfinished) == 0 {
		return nil
	}
	live, err := r.workloadsOf(ctx, s, unfinished)
	if err != nil {
		return err
	}
	s.pods, s.unbound = &live.pods, live.unbound
	for i := range s.restores {
		if s.restores[i].unfinished() {
			s.observeRestore(&s.restores[i], live.of(s.restores[i].object))
		}
	}
	return nil
}

// observeRestore fills in the Jobs and Pods of a Restore. Only Jobs that it controls are Rehome's to delete.
func (s *scope) observeRestore(restore *restoreScope, work kubeblocks.Work) {
	o := &restore.observed
	o.Started, o.Undecided, restore.undecidedPod = work.StartedPart(restore.object), work.Undecided(), work.UndecidedPod()
	for i := range work.Jobs {
		if kubeblocks.Owns(restore.object, &work.Jobs[i]) {
			o.Jobs = append(o.Jobs, s.observeJob(restore, work, &work.Jobs[i]))
		}
	}
	for i := range work.Pods {
		o.Pods = append(o.Pods, podOf(&work.Pods[i]))
	}
}

func (s *scope) observeJob(restore *restoreScope, work kubeblocks.Work, job *batchv1.Job) remedy.Job {
	policies := kubeblocks.JobPolicies(job, restore.owner)
	stale := len(s.rewritten(policies).Edits) > 0
	relaxed := len(restore.observed.Strict) == 0 && restore.observed.Replacement == remedy.ReplacementNone
	return remedy.Job{
		Object:    objectOf(job),
		Outdated:  stale || relaxed && len(s.strict(policies)) > 0,
		Started:   work.StartedJob(restore.object, job),
		Undecided: work.UndecidedJob(job),
		HasPods:   len(work.PodsOf(job)) > 0,
		Deleting:  !job.DeletionTimestamp.IsZero() && !kubeblocks.HasFinalizer(job),
	}
}

// workloads are the Jobs and Pods of a cluster.
type workloads struct {
	jobs []batchv1.Job
	pods []corev1.Pod
	// unbound holds the names of claims that never had a volume.
	unbound map[string]bool
}

// of returns the part that belongs to a Restore.
func (w workloads) of(restore *kubeblocks.Restore) kubeblocks.Work {
	work := kubeblocks.WorkOf(restore, w.jobs, w.pods)
	work.Unbound = w.unbound
	return work
}

// workloadsOf lists the Jobs and Pods of a cluster live, because a delete depends on what has started. For Jobs of the Restores
// with a failed Pod it reads their claims, too: they show whether that Pod can have been bound.
func (r *ClusterReconciler) workloadsOf(ctx context.Context, s *scope, restores []*kubeblocks.Restore) (workloads, error) {
	jobs, err := r.listJobs(ctx, s.cluster)
	if err != nil {
		return workloads{}, err
	}
	w := workloads{jobs: jobs, unbound: map[string]bool{}}
	for _, restore := range restores {
		for _, job := range w.of(restore).Jobs {
			if err := r.readClaims(ctx, s, &job, w.unbound); err != nil {
				return workloads{}, err
			}
		}
	}
	// Pods last: a Pod that is bound during the other reads is seen.
	w.pods, err = r.listPods(ctx, s.cluster)
	return w, err
}

// workOf is workloadsOf for one Job of a Restore, which was listed live.
func (r *ClusterReconciler) workOf(ctx context.Context, s *scope, restore *kubeblocks.Restore, job *batchv1.Job) (kubeblocks.Work, error) {
	w := workloads{jobs: []batchv1.Job{*job}, unbound: map[string]bool{}}
	err := r.readClaims(ctx, s, job, w.unbound)
	if err != nil {
		return kubeblocks.Work{}, err
	}
	w.pods, err = r.listPods(ctx, s.cluster)
	return w.of(restore), err
}

// readClaims reads which claims of a Job with a failed Pod never had a volume. Those of all Jobs that are too many are not read: then a
// failed Pod can have been bound.
func (r *ClusterReconciler) readClaims(ctx context.Context, s *scope, job *batchv1.Job, unbound map[string]bool) error {
	if !kubeblocks.HasFailed(job) {
		return nil
	}
	for _, name := range s.claimsOf(job) {
		if _, read := unbound[name]; read {
			continue
		}
		if len(unbound) == maxClaims {
			return nil
		}
		claim, err := r.claim(ctx, job.Namespace, name)
		if err != nil {
			return err
		}
		unbound[name] = claim != nil && kubeblocks.NeverMounted(claim)
	}
	return nil
}

// claimsOf returns the claims of a Job that are read. One that never had a volume shows that no Pod of the Job was bound. So once all were
// observed, only the first of these is read again, before each delete.
func (s *scope) claimsOf(job *batchv1.Job) []string {
	claims := kubeblocks.ClaimsOf(&job.Spec.Template.Spec)
	if s.unbound == nil {
		return claims
	}
	i := slices.IndexFunc(claims, func(claim string) bool { return s.unbound[claim] })
	if i < 0 {
		return nil
	}
	return claims[i : i+1]
}

// listJobs lists the Jobs of a cluster live.
func (r *ClusterReconciler) listJobs(ctx context.Context, cluster *kubeblocks.Cluster) ([]batchv1.Job, error) {
	var jobs batchv1.JobList
	if err := r.listLive(ctx, cluster, &jobs); err != nil {
		return nil, fmt.Errorf("list Jobs of the cluster: %w", err)
	}
	return jobs.Items, nil
}

// listPods lists the Pods of a cluster live.
func (r *ClusterReconciler) listPods(ctx context.Context, cluster *kubeblocks.Cluster) ([]corev1.Pod, error) {
	var pods corev1.PodList
	if err := r.listLive(ctx, cluster, &pods); err != nil {
		return nil, fmt.Errorf("list Pods of the cluster: %w", err)
	}
	return pods.Items, nil
}

// listLive lists objects of a cluster at the API server, by the instance label. Other labels hold names that can be longer than a
// label's value. No object has a label with the name of a Cluster that is itself too long.
func (r *ClusterReconciler) listLive(ctx context.Context, cluster *kubeblocks.Cluster, list client.ObjectList) error {
	if len(validation.IsValidLabelValue(cluster.Name)) > 0 {
		return nil
	}
	return r.APIReader.List(ctx, list, client.InNamespace(cluster.Namespace), client.MatchingLabels{kubeblocks.LabelInstance: cluster.Name})
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

// livePods returns the Pods of the cluster, listed once in a reconcile. Nobody may change them: all share one list.
func (r *ClusterReconciler) livePods(ctx context.Context, s *scope) ([]corev1.Pod, error) {
	if s.pods == nil {
		pods, err := r.listPods(ctx, s.cluster)
		if err != nil {
			return nil, err
		}
		s.pods = &pods
	}
	return *s.pods, nil
}
