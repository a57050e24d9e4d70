package controllers

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// mostNote is what the API server takes of an event's note.
const mostNote = 1024

// needsPerson lists the reasons that do not go away by themselves.
var needsPerson = []string{
	v1alpha1.ReasonRestoreStarted, v1alpha1.ReasonSpreadLost, v1alpha1.ReasonRestoreFailed, v1alpha1.ReasonClusterStarted,
	v1alpha1.ReasonSourceUnknown, v1alpha1.ReasonInvalidRule, v1alpha1.ReasonInvalidMode, v1alpha1.ReasonMultiCluster,
	v1alpha1.ReasonContended, v1alpha1.ReasonAttemptsExhausted, v1alpha1.ReasonBreakerOpen,
}

func eventType(reason string) string {
	if slices.Contains(needsPerson, reason) {
		return corev1.EventTypeWarning
	}
	return corev1.EventTypeNormal
}

// did sends an event about an action that was taken.
func (r *ClusterReconciler) did(s *scene, related runtime.Object, action remedy.Action, note string) {
	deed := action.Deed()
	r.Recorder.Eventf(s.cluster, related, eventType(deed.Reason), deed.Reason, deed.Action, "%s", cut(note, mostNote))
}

// reportAction is the action of events that say what changed.
const reportAction = "Report"

// tellTransitions sends an event for each Restore, and for the Rehoming, whose reason is another than the last report's. A
// condition that somebody dropped and that was put back is no transition: the Rehoming remembers.
func (r *ClusterReconciler) tellTransitions(s *scene, before v1alpha1.RehomingStatus, plan remedy.Plan) {
	tell := func(regarding, related runtime.Object, said remedy.Said) {
		r.Recorder.Eventf(regarding, related, eventType(said.Reason), said.Reason, reportAction, "%s", cut(said.Message, mostNote))
	}
	for i := range plan.Verdicts {
		restore, v := &s.restores[i], plan.Verdicts[i]
		rules, pods := reasonsBefore(before, restore)
		if v.Rules.Reason != rules {
			tell(restore, s.cluster, v.Rules)
		}
		if v.Pods.Reason != pods && !passing(v.Pods.Reason) {
			tell(restore, s.cluster, v.Pods)
		}
	}
	if s.rehoming == nil {
		return
	}
	was, is := meta.FindStatusCondition(before.Conditions, v1alpha1.ConditionReady), meta.FindStatusCondition(s.rehoming.Status.Conditions, v1alpha1.ConditionReady)
	if is != nil && (was == nil || was.Reason != is.Reason) {
		tell(s.rehoming, s.cluster, remedy.Said{Reason: is.Reason, Message: is.Message})
	}
}

// passing reports whether Pods always go through this for a moment.
func passing(reason string) bool {
	return reason == v1alpha1.ReasonScheduling || reason == v1alpha1.ReasonNoPods
}

// reasonsBefore returns the reasons that were reported of a Restore last, as far as there are.
func reasonsBefore(before v1alpha1.RehomingStatus, restore *kubeblocks.Restore) (rules, pods string) {
	i := slices.IndexFunc(before.Restores, func(known v1alpha1.RestoreStatus) bool { return known.Name == restore.Name })
	if i >= 0 {
		return before.Restores[i].Reason, before.Restores[i].Pods
	}
	if len(before.Conditions) > 0 {
		return "", "" // the last report was not about this Restore, or it failed half-way
	}
	reason := func(conditionType string) string {
		if c := meta.FindStatusCondition(restore.Status.Conditions, conditionType); c != nil {
			return c.Reason
		}
		return ""
	}
	return reason(v1alpha1.ConditionPolicyRehomed), reason(v1alpha1.ConditionPodsScheduled)
}
