package controllers

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
	"github.com/rehome-operator/rehome/pkg/sources"
)

// statusOf returns the status of the Rehoming. It is derived from what was observed; of the status before, only times are kept.
func (r *ClusterReconciler) statusOf(s *scope, plan remedy.Plan) v1alpha1.RehomingStatus {
	before := &s.rehoming.Status
	status := v1alpha1.RehomingStatus{
		ObservedGeneration: s.rehoming.Generation,
		Mode:               string(s.observation.Mode),
		Source:             s.sourceStatus(),
		Backups:            s.backupStatus(),
		Edits:              r.editStatus(s, before.Edits),
		Findings:           findingStatus(s.findings),
		Actions:            actionStatus(s.observation.History),
		Restores:           s.restoreStatus(plan),
		Conditions:         slices.Clone(before.Conditions),
	}
	if n := len(status.Actions); n > 0 {
		status.LastAction = status.Actions[n-1].Action
	}
	status.Counts = &v1alpha1.Counts{
		Edits: int32(len(status.Edits)), Findings: int32(len(status.Findings)), Restores: int32(len(status.Restores)),
		Actions: int32(len(status.Actions)), Unblocked: plan.Unblocked(),
	}
	if predates(s.rehoming, s.cluster) {
		status.Conditions = nil // their times are another Cluster's
	}
	r.setConditions(&status.Conditions, s.rehoming.Generation, plan.Cluster)
	bound(&status)
	return status
}

func (s *scope) sourceStatus() *v1alpha1.ClusterIdentity {
	switch {
	case s.namedSource != nil:
		return &v1alpha1.ClusterIdentity{Namespace: s.namedSource.Namespace, Name: s.namedSource.Name}
	case len(s.sources) > 0 && s.elsewhere(s.sources[0]) && len(s.findings) == 0:
		return nil // nothing of it is inherited: its name is the other Namespace's
	case len(s.sources) > 0 && s.elsewhere(s.sources[0]):
		return &v1alpha1.ClusterIdentity{Namespace: s.sources[0].Namespace, Name: s.sources[0].Name}
	case len(s.sources) > 0:
		return &v1alpha1.ClusterIdentity{Namespace: s.sources[0].Namespace, Name: s.sources[0].Name, UID: string(s.sources[0].UID)}
	default:
		return nil
	}
}

func (s *scope) backupStatus() []v1alpha1.BackupReference {
	backups := make([]v1alpha1.BackupReference, 0, len(s.sources))
	for _, source := range s.sources {
		namespace, name, _ := strings.Cut(source.Backup, "/")
		backups = append(backups, v1alpha1.BackupReference{Namespace: namespace, Name: name})
	}
	return backups
}

// editStatus lists the edits that the inherited rules need. One that the Cluster no longer needs was applied.
func (r *ClusterReconciler) editStatus(s *scope, before []v1alpha1.EditStatus) []v1alpha1.EditStatus {
	now := metav1.NewTime(r.Clock.Now()).Rfc3339Copy()
	needed := map[string]bool{}
	for _, e := range s.observation.Live.Edits {
		needed[e.Path] = true
	}
	known := map[string]v1alpha1.EditStatus{}
	for _, edit := range before {
		known[edit.Path] = edit
	}
	var edits []v1alpha1.EditStatus
	listed := map[string]bool{}
	for _, e := range s.edits {
		edit := v1alpha1.EditStatus{Path: e.Path, From: formatValue(e.From), To: formatValue(e.To)}
		listed[e.Path] = true
		if !needed[e.Path] {
			edit.AppliedTime = &now
			if s.rewrittenAtAdmission() {
				edit.AppliedTime = &s.cluster.CreationTimestamp
			}
			if was := known[edit.Path]; was.To == edit.To && was.AppliedTime != nil {
				edit.AppliedTime = was.AppliedTime
			}
		}
		edits = append(edits, edit)
	}
	if s.namedSource == nil && !s.recalled {
		return edits
	}
	return append(edits, carryOverApplied(before, listed, now)...)
}

// rewrittenAtAdmission reports whether the Cluster had its rewritten rules when it was created: it is marked, and the operator never
// rewrote it.
func (s *scope) rewrittenAtAdmission() bool {
	return len(s.observation.History.Rewrites) == 0 && len(sources.Rewritten(s.cluster)) > 0
}

// carryOverApplied returns the edits that were listed before and are not any more. Without a snapshot, only the status remembers
// which edits were applied.
func carryOverApplied(before []v1alpha1.EditStatus, listed map[string]bool, now metav1.Time) []v1alpha1.EditStatus {
	var edits []v1alpha1.EditStatus
	for _, edit := range before {
		if listed[edit.Path] {
			continue
		}
		if edit.AppliedTime == nil {
			edit.AppliedTime = &now
		}
		edits = append(edits, edit)
	}
	return edits
}

// formatValue formats a value of an edit: a string as it is, nothing as nothing, other values as JSON.
func formatValue(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		data, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		return string(data)
	}
}

func findingStatus(findings []rewrite.Finding) []v1alpha1.FindingStatus {
	list := make([]v1alpha1.FindingStatus, 0, len(findings))
	for _, f := range findings {
		list = append(list, v1alpha1.FindingStatus{Path: f.Path, Class: string(f.Class), Message: f.Message})
	}
	return list
}

func (s *scope) restoreStatus(plan remedy.Plan) []v1alpha1.RestoreStatus {
	list := make([]v1alpha1.RestoreStatus, 0, len(s.restores))
	for i := range s.restores {
		restore := s.restores[i].object
		report := plan.Restores[restore.UID]
		status := v1alpha1.RestoreStatus{
			Name: restore.Name, Phase: string(restore.Status.Phase), AttemptsLeft: report.AttemptsLeft,
			PolicyReason: report.PolicyRehomed.Reason, PodsReason: report.PodsScheduled.Reason,
		}
		for _, pod := range s.restores[i].observed.Pods {
			if pod.Node == "" {
				status.PendingPods = append(status.PendingPods, v1alpha1.PendingPod{Name: pod.Name, Reason: pod.Unschedulable})
			}
		}
		list = append(list, status)
	}
	return list
}

// actionStatus lists the attempts of the history, the oldest first.
func actionStatus(h remedy.History) []v1alpha1.ActionStatus {
	list := make([]v1alpha1.ActionStatus, 0, len(h.Attempts))
	for _, a := range h.Attempts {
		list = append(list, v1alpha1.ActionStatus{Action: a.Action, Target: v1alpha1.ActionTarget{Kind: a.Kind, Name: a.Name}, Time: a.Time})
	}
	slices.SortStableFunc(list, func(a, b v1alpha1.ActionStatus) int {
		return cmp.Or(a.Time.Compare(b.Time.Time), strings.Compare(a.Target.Name, b.Target.Name))
	})
	return list
}

// equalStatus compares two statuses as the API server keeps them.
func equalStatus(a, b *v1alpha1.RehomingStatus) bool { return equality.Semantic.DeepEqual(a, b) }
