package controllers

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// noCluster and notRestored say why nothing comes of a Rehoming that a person created.
var (
	noCluster = remedy.Said{
		Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonNoCluster,
		Message: "There is no Cluster of this name in this Namespace.",
	}
	notRestored = remedy.Said{
		Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonNotRestored,
		Message: "Neither the Cluster's annotations nor its Restores name a Backup: where its rules come from another cluster all the same, say so in spec.source.",
	}
)

// reportNone says on a Rehoming why there is nothing to tell. The story of a Cluster is not overwritten: KubeBlocks forgets in
// time what a Cluster was restored from.
func (r *ClusterReconciler) reportNone(ctx context.Context, name types.NamespacedName, said remedy.Said) error {
	if !r.Rehomings {
		return nil
	}
	rehoming := &v1alpha1.Rehoming{}
	if err := r.Client.Get(ctx, name, rehoming); noRehoming(err) {
		return nil
	} else if err != nil {
		return fmt.Errorf("get Rehoming: %w", err)
	}
	ready := meta.FindStatusCondition(rehoming.Status.Conditions, v1alpha1.ConditionReady)
	told := ready != nil && ready.Reason != noCluster.Reason && ready.Reason != notRestored.Reason
	if told || !rehoming.DeletionTimestamp.IsZero() {
		return nil
	}
	before := rehoming.DeepCopy()
	rehoming.Status.ObservedGeneration = rehoming.Generation
	meta.SetStatusCondition(&rehoming.Status.Conditions, r.condition(rehoming.Generation, v1alpha1.ConditionReady, said))
	if equalStatus(&before.Status, &rehoming.Status) {
		return nil
	}
	p := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, rehoming, p); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("report on Rehoming: %w", err)
	}
	return nil
}
