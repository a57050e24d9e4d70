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

// reportAction is the action of events about conditions.
const reportAction = "Report"

func eventType(reason string) string {
	if needsPerson(reason) || reason == v1alpha1.EventContentionDetected {
		return corev1.EventTypeWarning
	}
	return corev1.EventTypeNormal
}

// recordEvent sends an event about an action that was taken. The related object must be another for each note: of events about the same
// objects, Kubernetes keeps the first note, and Rehome may not count the others in it.
func (r *ClusterReconciler) recordEvent(s *scope, related runtime.Object, a remedy.Action, note string) {
	r.Recorder.Eventf(s.cluster, related, eventType(a.Reason()), a.Reason(), a.Name(), "%s", truncate(note, maxNote))
}

// recordTransition sends an event about a condition, where its reason changed and is worth an event.
func (r *ClusterReconciler) recordTransition(s *scope, regarding runtime.Object, before, reason string) {
	if note := eventNotes[reason]; note != "" && before != reason {
		r.Recorder.Eventf(regarding, s.cluster, eventType(reason), reason, reportAction, "%s", note)
	}
}

// recordTransitions sends an event for each Restore, and for the Rehoming, whose reason changed since the last report. The
// Rehoming remembers the last report, so a condition that another writer removed and that was set again is no transition.
func (r *ClusterReconciler) recordTransitions(s *scope, before v1alpha1.RehomingStatus, plan remedy.Plan) {
	for i := range s.restores {
		restore := s.restores[i].object
		report, ok := plan.Restores[restore.UID]
		if !ok {
			continue
		}
		policy, pods := reasonsBefore(before, restore)
		r.recordTransition(s, restore, policy, report.PolicyRehomed.Reason)
		r.recordTransition(s, restore, pods, report.PodsScheduled.Reason)
	}
	if s.rehoming == nil {
		return
	}
	reason := readyReason(s.rehoming.Status)
	r.recordTransition(s, s.rehoming, readyReason(before), reason)
	if reason == v1alpha1.ReasonRestoreIgnored {
		// The owner of a Cluster that starts empty must see it there.
		r.recordTransition(s, s.cluster, readyReason(before), reason)
	}
}

func readyReason(status v1alpha1.RehomingStatus) string {
	if c := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); c != nil {
		return c.Reason
	}
	return ""
}

// reasonsBefore returns the reasons that were last reported on a Restore, as far as there are any.
func reasonsBefore(before v1alpha1.RehomingStatus, restore *kubeblocks.Restore) (policy, pods string) {
	i := slices.IndexFunc(before.Restores, func(known v1alpha1.RestoreStatus) bool { return known.Name == restore.Name })
	if i >= 0 {
		return before.Restores[i].PolicyReason, before.Restores[i].PodsReason
	}
	truncated := before.Counts != nil && int(before.Counts.Restores) > len(before.Restores)
	if len(before.Conditions) > 0 && !truncated {
		return "", "" // the last report was not about this Restore, or failed before it was complete
	}
	reason := func(conditionType string) string {
		if c := meta.FindStatusCondition(restore.Status.Conditions, conditionType); c != nil {
			return c.Reason
		}
		return ""
	}
	return reason(v1alpha1.ConditionPolicyRehomed), reason(v1alpha1.ConditionPodsScheduled)
}
