package controllers

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// report writes the conditions of the Restores and the status of the Rehoming, then events and metrics. KubeBlocks writes whole
// lists of conditions from its cache and can remove Rehome's: the event of that write brings the reconcile that restores them.
func (r *ClusterReconciler) report(ctx context.Context, s *scope, plan remedy.Plan) error {
	var errs []error
	for i := range s.restores {
		restore := s.restores[i].object
		if report, ok := plan.Restores[restore.UID]; ok && concerns(plan, report, restore) {
			errs = append(errs, r.reportRestore(ctx, restore, report.RestoreConditions))
		}
	}
	before := s.reportedStatus()
	err := r.reportRehoming(ctx, s, plan)
	// The Rehoming remembers which events were sent, so they follow its status, whatever happened to the Restores.
	if err == nil && (s.rehoming != nil || errors.Join(errs...) == nil) {
		r.recordTransitions(s, before, plan)
		r.setMetrics(s, before, plan)
	}
	return joined(append(errs, err)...)
}

// concerns reports whether a Restore gets conditions. Where nothing was inherited, it gets them only when the scheduler refuses a
// Pod, and keeps them from then on.
func concerns(plan remedy.Plan, report remedy.RestoreReport, restore *kubeblocks.Restore) bool {
	return !plan.NothingInherited || report.PodsScheduled.Status == metav1.ConditionFalse || hasOwnConditions(restore)
}

func (r *ClusterReconciler) reportRestore(ctx context.Context, restore *kubeblocks.Restore, c remedy.RestoreConditions) error {
	_, err := patch.Conditions(ctx, r.Client, restore, restore.Status.Conditions,
		r.condition(restore.Generation, v1alpha1.ConditionPolicyRehomed, c.PolicyRehomed),
		r.condition(restore.Generation, v1alpha1.ConditionPodsScheduled, c.PodsScheduled))
	// A Restore that was just deleted needs no condition.
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("report on Restore %s: %w", restore.Name, err)
	}
	return nil
}

// condition completes a condition with its type, generation and time.
func (r *ClusterReconciler) condition(generation int64, conditionType string, c metav1.Condition) metav1.Condition {
	c.Type, c.ObservedGeneration, c.LastTransitionTime = conditionType, generation, r.now()
	c.Message = truncate(c.Message, maxMessage)
	return c
}

// reportedStatus returns the last status of the Rehoming; it is empty where there is none.
func (s *scope) reportedStatus() v1alpha1.RehomingStatus {
	if s.rehoming == nil {
		return v1alpha1.RehomingStatus{}
	}
	return *s.rehoming.Status.DeepCopy()
}
