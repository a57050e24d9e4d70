package controllers

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// setConditions sets the conditions of a Rehoming. Reconciling and Stalled follow kstatus: present only while True.
func (r *ClusterReconciler) setConditions(conditions *[]metav1.Condition, generation int64, c remedy.RestoreConditions) {
	ready := readyCondition(c)
	set := func(conditionType string, c metav1.Condition) {
		meta.SetStatusCondition(conditions, r.condition(generation, conditionType, c))
	}
	set(v1alpha1.RehomingPolicyRehomed, c.PolicyRehomed)
	set(v1alpha1.RehomingPodsScheduled, c.PodsScheduled)
	set(v1alpha1.ConditionReady, ready)
	// One that stays keeps its time.
	progress := ""
	if ready.Status != metav1.ConditionTrue {
		progress = v1alpha1.ConditionReconciling
		if needsPerson(ready.Reason) || ready.Reason == v1alpha1.ReasonObserved {
			progress = v1alpha1.ConditionStalled
		}
		ready.Status = metav1.ConditionTrue
		set(progress, ready)
	}
	for _, other := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
		if other != progress {
			meta.RemoveStatusCondition(conditions, other)
		}
	}
	slices.SortFunc(*conditions, func(a, b metav1.Condition) int { return strings.Compare(a.Type, b.Type) })
}

// readyCondition returns the first condition that is not True, else that of the rules.
func readyCondition(c remedy.RestoreConditions) metav1.Condition {
	if c.PolicyRehomed.Status == metav1.ConditionTrue && c.PodsScheduled.Status != metav1.ConditionTrue {
		return c.PodsScheduled
	}
	return c.PolicyRehomed
}

// needsPerson reports whether a reason remains until somebody acts.
func needsPerson(reason string) bool {
	switch reason {
	case v1alpha1.ReasonRestoreStarted, v1alpha1.ReasonSpreadLost, v1alpha1.ReasonRestoreFailed, v1alpha1.ReasonClusterStarted, v1alpha1.ReasonVolumesBound,
		v1alpha1.ReasonRestoreIgnored, v1alpha1.ReasonSourceUnknown, v1alpha1.ReasonInvalidRule, v1alpha1.ReasonInvalidMode,
		v1alpha1.ReasonInvalidHistory, v1alpha1.ReasonMultiCluster,
		v1alpha1.ReasonContended, v1alpha1.ReasonAttemptsExhausted, v1alpha1.ReasonBreakerOpen:
		return true
	default:
		return false
	}
}
