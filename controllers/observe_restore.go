package controllers

import (
	"context"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// observeWorkloads reads Jobs and Pods live, because a delete may follow. It is skipped when nothing was inherited or the Cluster
// is blocked.
func (r *ClusterReconciler) observeWorkloads(ctx context.Context, s *scope) error {
	if len(s.observation.Inherited) == 0 || s.observation.Obstacle != nil {
		return nil
	}
	for i := range s.restores {
		restore := &s.restores[i]
		if restore.observed.Finished || restore.observed.Failed {
			continue
		}
		if err := r.observeRestore(ctx, s, restore); err != nil {
			return err
		}
	}
	if err := r.observeDatabase(ctx, s); err != nil {
		return err
	}
	if err := r.observePlacement(ctx, s); err != nil {
		return err
	}
	return r.observeInstances(ctx, s)
}

// observeRestore fills in the Jobs and Pods of a Restore.
func (r *ClusterReconciler) observeRestore(ctx context.Context, s *scope, restore *restoreScope) error {
	work, err := r.workOf(ctx, restore.object)
	if err != nil {
		return err
	}
	o := &restore.observed
	o.Started, o.Undecided = work.StartedPart(restore.object), work.Undecided()
	for i := range work.Jobs {
		o.Jobs = append(o.Jobs, s.observeJob(restore, work, &work.Jobs[i]))
	}
	for i := range work.Pods {
		o.Pods = append(o.Pods, podOf(&work.Pods[i]))
	}
	return r.observeVolumes(ctx, s, o)
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

// workOf lists the Jobs and Pods of a Restore live, because a delete depends on what has started. For Jobs that count a failed Pod
// it reads their claims, too: they show whether that Pod can have been bound.
func (r *ClusterReconciler) workOf(ctx context.Context, restore *kubeblocks.Restore) (kubeblocks.Work, error) {
	ofRestore := []client.ListOption{
		client.InNamespace(restore.Namespace),
		client.MatchingLabels{kubeblocks.LabelRestore: restore.Name},
	}
	var jobs batchv1.JobList
	if err := r.APIReader.List(ctx, &jobs, ofRestore...); err != nil {
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
	// Pods last: a Pod that is bound during the other reads is seen.
	var pods corev1.PodList
	if err := r.APIReader.List(ctx, &pods, ofRestore...); err != nil {
		return kubeblocks.Work{}, fmt.Errorf("list Pods of the Restore: %w", err)
	}
	work.Pods = pods.Items
	return work, nil
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
