package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

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

// recreateRestore deletes a Restore. A Pod that is bound changes neither the Restore nor its Jobs, so no precondition of the
// delete can tell. What started is asked for right before it, and so is what the scheduler has not turned down: that would be
// the next to start.
func (r *ClusterReconciler) recreateRestore(ctx context.Context, s *scene, a remedy.RecreateRestore) error {
	restore := s.restore(a.Restore)
	work, err := r.workOf(ctx, restore)
	if err != nil {
		return err
	}
	if started := cmp.Or(work.StartedPart(restore), work.Undecided()); started != "" {
		return fmt.Errorf("re-create Restore %s: %w: %s", a.Restore, errStarted, started)
	}
	if err := r.Client.Delete(ctx, restore.DeepCopy(), exactly(a.Restore.UID, a.Restore.ResourceVersion)); err != nil {
		return fmt.Errorf("delete Restore %s: %w", a.Restore, err)
	}
	logf.FromContext(ctx).Info("Deleted a Restore that never started, for KubeBlocks to create it again", "restore", a.Restore.NamespacedName)
	r.did(s, restore, a,
		"Deleted Restore "+a.Restore.Name+", of which nothing ever started: KubeBlocks creates it again with the rewritten rules.")
	return nil
}

// restore returns the Restore of the scene that an action is about.
func (s *scene) restore(o remedy.Object) *kubeblocks.Restore {
	i := slices.IndexFunc(s.restores, func(restore kubeblocks.Restore) bool { return restore.UID == o.UID })
	return &s.restores[i]
}

// exactly pins a delete to one version of one object.
func exactly(uid types.UID, resourceVersion string) client.Preconditions {
	return client.Preconditions{UID: &uid, ResourceVersion: &resourceVersion}
}

// recreateJobs deletes Jobs of a Restore one by one.
func (r *ClusterReconciler) recreateJobs(ctx context.Context, s *scene, a remedy.RecreateJobs) error {
	restore := s.restore(a.Restore)
	for _, object := range a.Jobs {
		job, err := r.neverStarted(ctx, restore, object.UID)
		if err != nil {
			return err
		}
		if err := r.recreateJob(ctx, restore, job); err != nil {
			return err
		}
		logf.FromContext(ctx).Info("Deleted a Job that never started, for KubeBlocks to create it again", "job", object.NamespacedName)
		r.did(s, restore, a,
			"Deleted Job "+object.Name+" of Restore "+restore.Name+", of which nothing ever started: KubeBlocks creates it again with the new rules.")
	}
	return nil
}

// recreateJob strips KubeBlocks' finalizer, which nobody else removes before the Restore has ended, and deletes the Job in the
// background, so that no Pod of it stays. What started is asked for once more between the two: see recreateRestore.
func (r *ClusterReconciler) recreateJob(ctx context.Context, restore *kubeblocks.Restore, job *batchv1.Job) error {
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
			return nil // somebody has deleted it, and now it goes
		}
		if job, err = r.neverStarted(ctx, restore, job.UID); err != nil {
			return err
		}
	}
	err := r.Client.Delete(ctx, job, exactly(job.UID, job.ResourceVersion), client.PropagationPolicy(metav1.DeletePropagationBackground))
	if err != nil {
		return fmt.Errorf("delete Job %s: %w", job.Name, err)
	}
	return nil
}

// neverStarted reads a Job of a Restore, and returns errStarted, wrapped, when something of it started.
func (r *ClusterReconciler) neverStarted(ctx context.Context, restore *kubeblocks.Restore, uid types.UID) (*batchv1.Job, error) {
	work, err := r.workOf(ctx, restore)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(work.Jobs, func(j batchv1.Job) bool { return j.UID == uid })
	if i < 0 {
		return nil, fmt.Errorf("a Job of Restore %s: %w, or is gone", restore.Name, errStarted)
	}
	job := &work.Jobs[i]
	if started := cmp.Or(work.StartedJob(restore, job), work.UndecidedJob(job)); started != "" {
		return nil, fmt.Errorf("re-create Job %s: %w: %s", job.Name, errStarted, started)
	}
	return job, nil
}

// recreatePod deletes a database Pod. Being bound changes a Pod, so that the precondition tells.
func (r *ClusterReconciler) recreatePod(ctx context.Context, s *scene, a remedy.RecreatePod) error {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: a.Pod.Namespace, Name: a.Pod.Name}}
	if err := r.Client.Delete(ctx, pod, exactly(a.Pod.UID, a.Pod.ResourceVersion)); err != nil {
		return fmt.Errorf("delete Pod %s: %w", a.Pod, err)
	}
	logf.FromContext(ctx).Info("Deleted a database Pod that waited for a node, for KubeBlocks to create it again", "pod", a.Pod.NamespacedName)
	r.did(s, pod, a,
		"Deleted database Pod "+a.Pod.Name+", which never had a node: KubeBlocks creates it again with the rewritten rules.")
	return nil
}
