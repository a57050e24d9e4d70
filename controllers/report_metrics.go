package controllers

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/metrics"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// setMetrics sets the gauges of the Cluster. When its Pods no longer wait, it observes how long they waited.
func (r *ClusterReconciler) setMetrics(s *scope, before v1alpha1.RehomingStatus, plan remedy.Plan) {
	pods := plan.Cluster.PodsScheduled
	wait, known := r.Metrics.WaitOf(s.name)
	if !known {
		wait = reportedWait(before)
	}
	switch pods.Status {
	case metav1.ConditionTrue:
		if wait.Unschedulable {
			r.Metrics.ObserveScheduled(r.Clock.Now().Sub(wait.Since))
		}
		wait = metrics.Wait{}
	case metav1.ConditionFalse:
		if wait.Since.IsZero() {
			wait.Since = r.Clock.Now()
		}
		wait.Unschedulable = wait.Unschedulable || pods.Reason == v1alpha1.ReasonUnschedulable
	}
	c := s.clusterMetrics(plan)
	c.Wait = wait
	r.Metrics.Set(s.name, c)
}

// reportedWait returns how long the Cluster waits, as an earlier process reported it on the Rehoming.
func reportedWait(before v1alpha1.RehomingStatus) metrics.Wait {
	for i := range before.Conditions {
		c := &before.Conditions[i]
		if c.Type == v1alpha1.RehomingPodsScheduled && c.Status == metav1.ConditionFalse {
			return metrics.Wait{Since: c.LastTransitionTime.Time, Unschedulable: c.Reason == v1alpha1.ReasonUnschedulable}
		}
	}
	return metrics.Wait{}
}

// clusterMetrics counts the Cluster's Restores and findings.
func (s *scope) clusterMetrics(plan remedy.Plan) metrics.Cluster {
	c := metrics.Cluster{
		Reason: plan.Cluster.PolicyRehomed.Reason, Restores: map[string]int{}, Findings: map[rewrite.Class]int{},
		Observed: s.observation.Mode != configv1alpha1.Enforce,
	}
	for _, report := range plan.Restores {
		c.Restores[report.PolicyRehomed.Reason]++
		if report.PodsScheduled.Status == metav1.ConditionFalse {
			c.Pending++
		}
	}
	for _, f := range s.findings {
		c.Findings[f.Class]++
	}
	return c
}
