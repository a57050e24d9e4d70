package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
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
	var before v1alpha1.RehomingStatus
	if s.rehoming != nil {
		before = *s.rehoming.Status.DeepCopy()
	}
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

// measure sets the gauges for the Cluster, and observes how long its Pods waited once they wait no more.
func (r *ClusterReconciler) measure(s *scene, before v1alpha1.RehomingStatus, plan remedy.Plan) {
	r.Metrics.set(s.observation.Cluster.NamespacedName, s.tally(plan))
	was := meta.FindStatusCondition(before.Conditions, v1alpha1.ConditionPodsScheduled)
	if was != nil && was.Reason == v1alpha1.ReasonUnschedulable && plan.Cluster.Pods.Status == metav1.ConditionTrue {
		r.Metrics.unschedulable.Observe(r.Clock.Now().Sub(was.LastTransitionTime.Time).Seconds())
	}
}

// tally counts what there is to say of the Cluster.
func (s *scene) tally(plan remedy.Plan) tally {
	t := tally{reason: plan.Cluster.Rules.Reason, restores: map[string]int{}, findings: map[rewrite.Class]int{}, since: s.observation.Now.Time}
	waits := func(conditions []metav1.Condition) {
		c := meta.FindStatusCondition(conditions, v1alpha1.ConditionPodsScheduled)
		if c != nil && c.Status == metav1.ConditionFalse && c.LastTransitionTime.Time.Before(t.since) {
			t.since = c.LastTransitionTime.Time
		}
	}
	for i, v := range plan.Verdicts {
		t.restores[v.Rules.Reason]++
		if v.Pods.Status == metav1.ConditionFalse {
			t.waiting++
			waits(s.restores[i].Status.Conditions)
		}
	}
	if s.rehoming != nil {
		// KubeBlocks can drop the condition of a Restore, which then begins anew; nobody drops this one.
		waits(s.rehoming.Status.Conditions)
	}
	for _, f := range s.findings {
		t.findings[f.Class]++
	}
	return t
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
