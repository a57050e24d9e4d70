package fakekubeblocks

import (
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// hasRestore selects the Jobs of Restores.
var hasRestore = func() labels.Selector {
	exists, err := labels.NewRequirement(kubeblocks.LabelRestore, selection.Exists, nil)
	utilruntime.Must(err)
	return labels.NewSelector().Add(*exists)
}()

// jobs creates the Jobs of each Restore, and finishes and finalizes Restores.
type jobs struct {
	client.Client
	volumes int
}

func setUpJobs(volumes int) func(ctrl.Manager) error {
	return func(mgr ctrl.Manager) error {
		return ctrl.NewControllerManagedBy(mgr).
			Named("fake-jobs").
			For(&kubeblocks.Restore{}).
			Watches(&batchv1.Job{}, handler.EnqueueRequestsFromMapFunc(restoreOf)).
			Complete(jobs{mgr.GetClient(), volumes})
	}
}

func restoreOf(_ context.Context, job client.Object) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: types.NamespacedName{
		Namespace: job.GetNamespace(), Name: job.GetLabels()[kubeblocks.LabelRestore],
	}}}
}

func (r jobs) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	restore := &kubeblocks.Restore{}
	if err := r.Get(ctx, req.NamespacedName, restore); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	var list batchv1.JobList
	err := r.List(ctx, &list, client.InNamespace(restore.Namespace), client.MatchingLabels{kubeblocks.LabelRestore: restore.Name})
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("list Jobs: %w", err)
	}
	switch {
	case !restore.DeletionTimestamp.IsZero():
		return ctrl.Result{}, r.finalize(ctx, restore, list.Items)
	case restore.Status.Phase == kubeblocks.RestoreCompleted:
		return ctrl.Result{}, r.remove(ctx, list.Items)
	case restore.Status.Phase == "":
		return ctrl.Result{}, r.setPhase(ctx, restore, kubeblocks.RestoreRunning)
	case len(list.Items) == r.volumes && !slices.ContainsFunc(list.Items, isUnfinished):
		return ctrl.Result{}, r.setPhase(ctx, restore, kubeblocks.RestoreCompleted)
	}
	return ctrl.Result{}, r.createMissing(ctx, restore, list.Items)
}

func isUnfinished(job batchv1.Job) bool {
	return !slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return c.Type == batchv1.JobComplete && c.Status == corev1.ConditionTrue
	})
}

func (r jobs) createMissing(ctx context.Context, restore *kubeblocks.Restore, existing []batchv1.Job) error {
	schedulingSpec, err := asMap(restore.Spec.PrepareDataConfig.SchedulingSpec)
	if err != nil {
		return err
	}
	owner := ownerOf(kubeblocks.DataProtectionV1alpha1.WithKind("Restore"), restore)
	if err := unstructured.SetNestedMap(owner.Object, schedulingSpec, "spec", "prepareDataConfig", "schedulingSpec"); err != nil {
		return err
	}
	for ordinal := range r.volumes {
		name := fmt.Sprintf("restore-preparedata-%.8s-%s-%d", restore.UID, restore.Spec.Backup.Name, ordinal)
		if slices.ContainsFunc(existing, func(j batchv1.Job) bool { return j.Name == name }) {
			continue
		}
		err := r.Create(ctx, rehometesting.MakeJob(owner, name).Obj())
		if client.IgnoreAlreadyExists(err) != nil {
			return fmt.Errorf("create Job %s: %w", name, err)
		}
	}
	return nil
}

func (r jobs) setPhase(ctx context.Context, restore *kubeblocks.Restore, phase kubeblocks.RestorePhase) error {
	err := r.Status().Patch(ctx, restore, merge(map[string]any{"status": map[string]any{"phase": phase}}))
	return wrap(client.IgnoreNotFound(err), "patch the status of Restore "+restore.Name)
}

// finalize removes the Jobs of a Restore that is being deleted, and then its finalizers.
func (r jobs) finalize(ctx context.Context, restore *kubeblocks.Restore, existing []batchv1.Job) error {
	if err := r.remove(ctx, existing); err != nil {
		return err
	}
	return r.stripFinalizers(ctx, restore)
}

func (r jobs) remove(ctx context.Context, existing []batchv1.Job) error {
	for i := range existing {
		job := &existing[i]
		if err := r.stripFinalizers(ctx, job); err != nil {
			return err
		}
		err := r.Delete(ctx, job, client.PropagationPolicy(metav1.DeletePropagationBackground))
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete Job %s: %w", job.Name, err)
		}
	}
	return nil
}

func (r jobs) stripFinalizers(ctx context.Context, obj client.Object) error {
	if !kubeblocks.HasFinalizer(obj) {
		return nil
	}
	err := r.Patch(ctx, obj, merge(map[string]any{"metadata": map[string]any{"finalizers": nil}}))
	return wrap(client.IgnoreNotFound(err), "strip the finalizers of "+obj.GetName())
}
