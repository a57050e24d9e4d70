package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// recreateRestore deletes a Restore. Binding a Pod changes neither the Restore nor its Jobs, so no precondition of the delete
// protects what has started. A live read right before the delete does: nothing may have started, and every Pod must be
// Unschedulable, because another one may start at any moment.
func (r *ClusterReconciler) recreateRestore(ctx context.Context, s *scope, a remedy.RecreateRestore) error {
	restore := s.restore(a.Restore)
	work, err := r.recentWorkOf(ctx, s, restore)
	if err != nil {
		return err
	}
	started := cmp.Or(work.StartedPart(restore), work.Undecided())
	if started == "" {
		started, err = r.startedSince(ctx, work.Pods)
	}
	if err != nil {
		return err
	}
	if started != "" {
		return fmt.Errorf("re-create Restore %s: %w: %s", a.Restore, errStarted, started)
	}
	if err := r.Client.Delete(ctx, restore.DeepCopy(), preconditions(a.Restore.UID, a.Restore.ResourceVersion)); err != nil {
		return fmt.Errorf("delete Restore %s: %w", a.Restore, err)
	}
	logf.FromContext(ctx).Info("Deleted a Restore that never started, so that KubeBlocks re-creates it", "restore", a.Restore.NamespacedName)
	r.recordEvent(s, restore, a, fmt.Sprintf(eventRestoreRecreated, a.Restore.Name))
	return nil
}

// maxListAge is how old the list of Pods may be that a delete relies on. One list serves several deletes: one before each would take
// longer than all deletes, and the last Pods would be as old.
const maxListAge = 250 * time.Millisecond

// recentWork is what a live list found, and when it was answered.
type recentWork struct {
	workloads
	listed time.Time
}

// recentWorkOf returns the Jobs and Pods of a Restore from a live list that is not older than maxListAge.
func (r *ClusterReconciler) recentWorkOf(ctx context.Context, s *scope, restore *kubeblocks.Restore) (kubeblocks.Work, error) {
	if s.recent == nil || r.Clock.Since(s.recent.listed) > maxListAge {
		live, err := r.workloadsOf(ctx, s, s.unfinishedRestores())
		if err != nil {
			return kubeblocks.Work{}, err
		}
		s.recent = &recentWork{live, r.Clock.Now()}
	}
	return s.recent.of(restore), nil
}

// startedSince says which of the Pods was bound, or can be at any moment, since they were listed. The cache holds Pending Pods, and a
// watch keeps it current.
func (r *ClusterReconciler) startedSince(ctx context.Context, pods []corev1.Pod) (string, error) {
	for i := range pods {
		listed, now := &pods[i], &corev1.Pod{}
		if kubeblocks.HasEnded(listed) {
			continue
		}
		switch err := r.Client.Get(ctx, client.ObjectKeyFromObject(listed), now); {
		case client.IgnoreNotFound(err) != nil:
			return "", fmt.Errorf("get Pod %s: %w", listed.Name, err)
		case err != nil || now.UID != listed.UID || kubeblocks.WasBound(now) || kubeblocks.UndecidedPod(now) != "":
			return fmt.Sprintf(podChanged, listed.Name), nil
		}
	}
	return "", nil
}

// preconditions pin a delete to one version of one object.
func preconditions(uid types.UID, resourceVersion string) client.Preconditions {
	return client.Preconditions{UID: &uid, ResourceVersion: &resourceVersion}
}

// maxRecreatedJobs is how many Jobs are re-created in one reconcile. A tenant chooses how many Jobs there are, and how many Pods: these are
// listed right before each delete.
const maxRecreatedJobs = 25

// postpones reports whether the next reconcile takes an action, whose attempt is recorded: this one may re-create no more Jobs.
func (s *scope) postpones(action remedy.Action) bool {
	_, recreates := action.(remedy.RecreateJobs)
	return recreates && s.jobs >= maxRecreatedJobs
}

// recreateJobs deletes Jobs of a Restore one by one. Those that are too many for one reconcile are left for the next.
func (r *ClusterReconciler) recreateJobs(ctx context.Context, s *scope, a remedy.RecreateJobs) error {
	restore := s.restore(a.Restore)
	for _, object := range a.Jobs[:min(len(a.Jobs), maxRecreatedJobs-s.jobs)] {
		s.jobs++ // one that fails has its reads, too
		job, err := r.neverStarted(ctx, s, restore, object.UID)
		if err != nil {
			return err
		}
		if err := r.recreateJob(ctx, s, restore, job); err != nil {
			return err
		}
		logf.FromContext(ctx).Info("Deleted a Job that never started, so that KubeBlocks re-creates it", "job", object.NamespacedName)
		r.recordEvent(s, job, a, fmt.Sprintf(eventJobRecreated, object.Name, restore.Name))
	}
	return nil
}

// recreateJob strips KubeBlocks' finalizer, which KubeBlocks removes only when the Restore ends, and deletes the Job in the
// background, so that its Pods go with it. Between the two it reads live once more what has started: see recreateRestore.
func (r *ClusterReconciler) recreateJob(ctx context.Context, s *scope, restore *kubeblocks.Restore, job *batchv1.Job) error {
	if i := slices.Index(job.Finalizers, kubeblocks.Finalizer); i >= 0 {
		path := "/metadata/finalizers/" + strconv.Itoa(i)
		p, err := patch.JSON(append(patch.Version(job.UID, job.ResourceVersion), patch.Test(path, kubeblocks.Finalizer), patch.Remove(path)))
		if err != nil {
			return err
		}
		if err := r.Client.Patch(ctx, job, p); err != nil {
			return fmt.Errorf("strip the finalizer of Job %s: %w", job.Name, err)
		}
		if !job.DeletionTimestamp.IsZero() {
			return nil // it was being deleted already
		}
		if job, err = r.neverStarted(ctx, s, restore, job.UID); err != nil {
			return err
		}
	}
	err := r.Client.Delete(ctx, job, preconditions(job.UID, job.ResourceVersion), client.PropagationPolicy(metav1.DeletePropagationBackground))
	if err != nil {
		return fmt.Errorf("delete Job %s: %w", job.Name, err)
	}
	return nil
}

// neverStarted reads a Job of a Restore live. It returns errStarted, wrapped, when a Pod of it started or may start. What other Jobs of
// the Restore did decides nothing about this one.
func (r *ClusterReconciler) neverStarted(ctx context.Context, s *scope, restore *kubeblocks.Restore, uid types.UID) (*batchv1.Job, error) {
	jobs, err := r.listJobs(ctx, s.cluster)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(jobs, func(j batchv1.Job) bool { return j.UID == uid })
	if i < 0 || !kubeblocks.Owns(restore, &jobs[i]) {
		return nil, fmt.Errorf("a Job of Restore %s: %w, or it is gone", restore.Name, errStarted)
	}
	job := &jobs[i]
	work, err := r.workOf(ctx, s, restore, job)
	if err != nil {
		return nil, err
	}
	if started := cmp.Or(work.StartedJob(restore, job), work.UndecidedJob(job)); started != "" {
		return nil, fmt.Errorf("re-create Job %s: %w: %s", job.Name, errStarted, started)
	}
	return job, nil
}

// recreatePod deletes a database Pod. Binding changes the Pod, so the precondition protects a Pod that was bound since.
func (r *ClusterReconciler) recreatePod(ctx context.Context, s *scope, a remedy.RecreatePod) error {
	if err := r.mayRecreatePod(ctx, s, a); err != nil {
		return err
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: a.Pod.Namespace, Name: a.Pod.Name, UID: a.Pod.UID}}
	if err := r.Client.Delete(ctx, pod, preconditions(a.Pod.UID, a.Pod.ResourceVersion)); err != nil {
		return fmt.Errorf("delete Pod %s: %w", a.Pod, err)
	}
	logf.FromContext(ctx).Info("Deleted a Pending database Pod, so that KubeBlocks re-creates it", "pod", a.Pod.NamespacedName)
	r.recordEvent(s, pod, a, fmt.Sprintf(eventPodRecreated, a.Pod.Name))
	return nil
}
