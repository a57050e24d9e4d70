package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// report puts each verdict on its Restore. KubeBlocks sends whole lists of conditions from its cache and so can drop ours:
// the event of that write brings the reconcile that puts it back.
func (r *ClusterReconciler) report(ctx context.Context, s *scene, plan remedy.Plan) error {
	var stale, failed []error
	for i, verdict := range plan.Verdicts {
		err := r.reportOn(ctx, &s.restores[i], verdict)
		switch {
		case patch.IsStale(err):
			stale = append(stale, err)
		case err != nil:
			failed = append(failed, err)
		}
	}
	before := s.reported()
	err := r.reportRehoming(ctx, s, plan)
	// The Rehoming remembers what was told: events go with its report, whatever became of the others.
	if err == nil && (s.rehoming != nil || len(failed)+len(stale) == 0) {
		r.tellTransitions(s, before, plan)
		r.measure(s, before, plan)
	}
	switch {
	case patch.IsStale(err):
		stale = append(stale, err)
	case err != nil:
		failed = append(failed, err)
	}
	return cmp.Or(errors.Join(failed...), errors.Join(stale...))
}

// reported returns what was reported of the Cluster last; it is empty where there is no Rehoming.
func (s *scene) reported() v1alpha1.RehomingStatus {
	if s.rehoming == nil {
		return v1alpha1.RehomingStatus{}
	}
	return *s.rehoming.Status.DeepCopy()
}

func (r *ClusterReconciler) reportOn(ctx context.Context, restore *kubeblocks.Restore, v remedy.Verdict) error {
	_, err := patch.Conditions(ctx, r.Client, restore, restore.Status.Conditions,
		r.condition(restore.Generation, v1alpha1.ConditionPolicyRehomed, v.Rules),
		r.condition(restore.Generation, v1alpha1.ConditionPodsScheduled, v.Pods))
	// A Restore that was deleted a moment ago needs no condition.
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("report on Restore %s: %w", v.Restore, err)
	}
	return nil
}

func (r *ClusterReconciler) condition(generation int64, conditionType string, said remedy.Said) metav1.Condition {
	return metav1.Condition{
		Type:               conditionType,
		Status:             said.Status,
		Reason:             said.Reason,
		Message:            fit(said.Message),
		ObservedGeneration: generation,
		LastTransitionTime: metav1.NewTime(r.Clock.Now()),
	}
}

// fit cuts a message to what the API server takes: rules are as long as people make them.
func fit(message string) string { return cut(message, 32768) }

// cut cuts a text to a number of bytes.
func cut(text string, most int) string {
	const more = "…"
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len(more)], "") + more
}
