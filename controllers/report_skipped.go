package controllers

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/sources"
)

// skippedConditions are the condition Ready of a Rehoming without a restored Cluster.
var skippedConditions = map[skipReason]metav1.Condition{
	skipNoCluster:   {Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonNoCluster, Message: noCluster},
	skipNotRestored: {Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonNotRestored, Message: notRestored},
}

// reportSkipped removes the Cluster from the gauges and the queue, and says on its Rehoming why it is not remediated.
func (r *ClusterReconciler) reportSkipped(ctx context.Context, s *scope) error {
	r.Metrics.Forget(s.name)
	r.Attempts.Dequeue(s.name)
	condition, reported := skippedConditions[s.skip]
	if !reported {
		return nil
	}
	rehoming, err := r.getRehoming(ctx, s.name)
	if apierrors.IsNotFound(err) {
		return nil
	} else if err != nil {
		return fmt.Errorf("get Rehoming: %w", err)
	}
	switch {
	case !rehoming.DeletionTimestamp.IsZero():
		return nil
	case s.skip == skipNotRestored && reportsRestored(rehoming) && !predates(rehoming, s.cluster):
		// KubeBlocks removes in time what shows that a Cluster was restored.
		return r.confirmReport(ctx, s)
	case s.skip == skipNoCluster && sources.ClusterOwner(rehoming) != nil:
		return nil // it is deleted with its Cluster
	}
	return r.replaceReport(ctx, rehoming, condition)
}

// replaceReport replaces the status of a Rehoming by its condition Ready. What was reported on a deleted Cluster is not true of the next one
// of that name.
func (r *ClusterReconciler) replaceReport(ctx context.Context, rehoming *v1alpha1.Rehoming, ready metav1.Condition) error {
	before := rehoming.DeepCopy()
	rehoming.Status = v1alpha1.RehomingStatus{ObservedGeneration: rehoming.Generation}
	if was := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionReady); was != nil {
		rehoming.Status.Conditions = []metav1.Condition{*was} // its time is kept while it stays
	}
	meta.SetStatusCondition(&rehoming.Status.Conditions, r.condition(rehoming.Generation, v1alpha1.ConditionReady, ready))
	return r.patchRehomingStatus(ctx, before, rehoming)
}

// confirmReport says of a report that is kept that it is about the present spec: who waits for a Rehoming relies on that. One that a
// deleted Cluster of the same name owns is not written.
func (r *ClusterReconciler) confirmReport(ctx context.Context, s *scope) error {
	if s.rehoming == nil {
		return nil
	}
	before, status := s.rehoming.DeepCopy(), &s.rehoming.Status
	status.ObservedGeneration, status.Mode = s.rehoming.Generation, string(s.observation.Mode)
	for i := range status.Conditions {
		status.Conditions[i].ObservedGeneration = s.rehoming.Generation
	}
	return r.patchRehomingStatus(ctx, before, s.rehoming)
}

// reportsRestored says whether a Rehoming already reports on a restored Cluster.
func reportsRestored(rehoming *v1alpha1.Rehoming) bool {
	ready := meta.FindStatusCondition(rehoming.Status.Conditions, v1alpha1.ConditionReady)
	return ready != nil && ready.Reason != v1alpha1.ReasonNoCluster && ready.Reason != v1alpha1.ReasonNotRestored
}

// predates says whether a Rehoming reports on a deleted Cluster of the same name, which was created again while nobody saw that it was gone.
// One that belongs to a Cluster goes with it. Times are in seconds, so the report of the second in which its Cluster was created counts.
func predates(rehoming *v1alpha1.Rehoming, cluster *kubeblocks.Cluster) bool {
	ready := meta.FindStatusCondition(rehoming.Status.Conditions, v1alpha1.ConditionReady)
	return sources.ClusterOwner(rehoming) == nil && ready != nil && ready.LastTransitionTime.Before(&cluster.CreationTimestamp)
}

// patchRehomingStatus writes a changed status of a Rehoming.
func (r *ClusterReconciler) patchRehomingStatus(ctx context.Context, before, rehoming *v1alpha1.Rehoming) error {
	if equalStatus(&before.Status, &rehoming.Status) {
		return nil
	}
	p := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, rehoming, p); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("report on Rehoming: %w", err)
	}
	return nil
}
