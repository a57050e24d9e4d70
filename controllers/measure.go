package controllers

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// measure sets the gauges for the Cluster, and observes how long its Pods waited once they wait no more.
func (r *ClusterReconciler) measure(s *scene, before v1alpha1.RehomingStatus, plan remedy.Plan) {
	cluster, pods := s.observation.Cluster.NamespacedName, plan.Cluster.Pods
	t, known := s.tally(plan), false
	if t.wait, known = r.Metrics.waitOf(cluster); !known {
		t.wait = s.reportedWait(before)
	}
	switch pods.Status {
	case metav1.ConditionTrue:
		if t.wait.unschedulable {
			r.Metrics.unschedulable.Observe(r.Clock.Now().Sub(t.wait.since).Seconds())
		}
		t.wait = wait{}
	case metav1.ConditionFalse:
		if t.wait.since.IsZero() {
			t.wait.since = r.Clock.Now()
		}
		t.wait.unschedulable = t.wait.unschedulable || pods.Reason == v1alpha1.ReasonUnschedulable
	}
	r.Metrics.set(cluster, t)
}

// reportedWait returns how long the Cluster waits, as reported by a process before this one: on the Rehoming, or on the Restores
// where the kind is not served.
func (s *scene) reportedWait(before v1alpha1.RehomingStatus) wait {
	conditions := slices.Clone(before.Conditions)
	for i := range s.restores {
		conditions = append(conditions, s.restores[i].Status.Conditions...)
	}
	var w wait
	for i := range conditions {
		c := &conditions[i]
		if c.Type != v1alpha1.ConditionPodsScheduled || c.Status != metav1.ConditionFalse {
			continue
		}
		if w.since.IsZero() || c.LastTransitionTime.Time.Before(w.since) {
			w.since = c.LastTransitionTime.Time
		}
		w.unschedulable = w.unschedulable || c.Reason == v1alpha1.ReasonUnschedulable
	}
	return w
}

// tally counts what there is to say of the Cluster.
func (s *scene) tally(plan remedy.Plan) tally {
	t := tally{reason: plan.Cluster.Rules.Reason, restores: map[string]int{}, findings: map[rewrite.Class]int{}}
	for _, v := range plan.Verdicts {
		t.restores[v.Rules.Reason]++
		if v.Pods.Status == metav1.ConditionFalse {
			t.waiting++
		}
	}
	for _, f := range s.findings {
		t.findings[f.Class]++
	}
	return t
}
