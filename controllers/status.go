package controllers

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// statusOf tells the story of the Cluster. What the API server holds of the objects it is about decides; of the status before,
// only the times are kept.
func (r *ClusterReconciler) statusOf(s *scene, plan remedy.Plan) v1alpha1.RehomingStatus {
	before := &s.rehoming.Status
	status := v1alpha1.RehomingStatus{
		ObservedGeneration: s.rehoming.Generation,
		Mode:               string(s.observation.Mode),
		Source:             s.sourceStatus(),
		Backups:            s.backupStatus(),
		Edits:              r.editStatus(s, before.Edits),
		Findings:           findingStatus(s.findings),
		Actions:            actionStatus(s.observation.Ledger),
		Restores:           s.restoreStatus(plan),
		Conditions:         slices.Clone(before.Conditions),
	}
	status.Counts = &v1alpha1.Counts{
		Edits: int32(len(status.Edits)), Findings: int32(len(status.Findings)), Restores: int32(len(status.Restores)),
		Actions: int32(len(status.Actions)), Unblocked: unblocked(status),
	}
	rules, pods := plan.Cluster.Rules, plan.Cluster.Pods
	ready := rules
	if rules.Status == metav1.ConditionTrue {
		ready = pods
		ready.Reason = rules.Reason
		if pods.Status != metav1.ConditionTrue {
			ready.Reason = pods.Reason
		}
	}
	for conditionType, said := range map[string]remedy.Said{
		v1alpha1.ConditionReady: ready, v1alpha1.ConditionPolicyRehomed: rules, v1alpha1.ConditionPodsScheduled: pods,
	} {
		meta.SetStatusCondition(&status.Conditions, r.condition(s.rehoming.Generation, conditionType, said))
	}
	slices.SortFunc(status.Conditions, func(a, b metav1.Condition) int { return strings.Compare(a.Type, b.Type) })
	return bounded(status)
}

func (s *scene) sourceStatus() *v1alpha1.ClusterIdentity {
	switch {
	case s.named != nil:
		return &v1alpha1.ClusterIdentity{Namespace: s.named.Namespace, Name: s.named.Name}
	case len(s.sources) > 0:
		return &v1alpha1.ClusterIdentity{Namespace: s.sources[0].Namespace, Name: s.sources[0].Name, UID: string(s.sources[0].UID)}
	default:
		return nil
	}
}

func (s *scene) backupStatus() []v1alpha1.BackupReference {
	backups := make([]v1alpha1.BackupReference, 0, len(s.sources))
	for _, source := range s.sources {
		namespace, name, _ := strings.Cut(source.Backup, "/")
		backups = append(backups, v1alpha1.BackupReference{Namespace: namespace, Name: name})
	}
	return backups
}

// editStatus lists the edits that the inherited rules take. One that the Cluster no longer needs has been made.
func (r *ClusterReconciler) editStatus(s *scene, before []v1alpha1.EditStatus) []v1alpha1.EditStatus {
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
		edit := v1alpha1.EditStatus{Path: e.Path, From: text(e.From), To: text(e.To)}
		listed[e.Path] = true
		if !needed[e.Path] {
			edit.At = &now
			if was := known[edit.Path]; was.To == edit.To && was.At != nil {
				edit.At = was.At
			}
		}
		edits = append(edits, edit)
	}
	if s.named == nil {
		return edits
	}
	return append(edits, made(before, listed, now)...)
}

// made returns what was listed before and is not any more: where no snapshot tells which rules were inherited, nothing else
// remembers the edits that were made.
func made(before []v1alpha1.EditStatus, listed map[string]bool, now metav1.Time) []v1alpha1.EditStatus {
	var edits []v1alpha1.EditStatus
	for _, edit := range before {
		if listed[edit.Path] {
			continue
		}
		if edit.At == nil {
			edit.At = &now
		}
		edits = append(edits, edit)
	}
	return edits
}

// text returns a value of an edit: a string as it is, nothing as nothing, all else as JSON.
func text(value any) string {
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

func (s *scene) restoreStatus(plan remedy.Plan) []v1alpha1.RestoreStatus {
	list := make([]v1alpha1.RestoreStatus, 0, len(s.observation.Restores))
	for i := range s.observation.Restores {
		seen := &s.observation.Restores[i]
		restore := v1alpha1.RestoreStatus{Name: seen.Name, Phase: string(s.restores[i].Status.Phase)}
		if i < len(plan.Verdicts) {
			restore.Reason, restore.Pods = plan.Verdicts[i].Rules.Reason, plan.Verdicts[i].Pods.Reason
		}
		attempts := len(s.observation.Ledger.Attempts[remedy.RestoreKey(seen.Name)])
		restore.AttemptsLeft = max(0, s.observation.Limits.AttemptsPerRestore-int32(attempts))
		for _, pod := range seen.Pods {
			if pod.Node == "" {
				restore.Waiting = append(restore.Waiting, v1alpha1.WaitingPod{Name: pod.Name, Reason: pod.Unschedulable})
			}
		}
		list = append(list, restore)
	}
	return list
}

// actionStatus lists the attempts that the ledger holds.
func actionStatus(l remedy.Ledger) []v1alpha1.ActionStatus {
	var list []v1alpha1.ActionStatus
	for key, attempts := range l.Attempts {
		for _, a := range attempts {
			list = append(list, v1alpha1.ActionStatus{Action: a.Action, Of: key, At: a.At})
		}
	}
	slices.SortFunc(list, func(a, b v1alpha1.ActionStatus) int {
		return cmp.Or(a.At.Compare(b.At.Time), strings.Compare(a.Of, b.Of))
	})
	return list
}

// unblocked counts the Restores that were remediated and wait no more.
func unblocked(status v1alpha1.RehomingStatus) int32 {
	var count int32
	for _, restore := range status.Restores {
		remediated := slices.ContainsFunc(status.Actions, func(a v1alpha1.ActionStatus) bool { return a.Of == remedy.RestoreKey(restore.Name) })
		if remediated && len(restore.Waiting) == 0 && restore.Reason == v1alpha1.ReasonRehomed {
			count++
		}
	}
	return count
}

// mostStatus bounds the status in bytes of JSON.
const mostStatus = 256 << 10

// bounded cuts the longest texts, and then halves the longest list until the status is small enough.
func bounded(status v1alpha1.RehomingStatus) v1alpha1.RehomingStatus {
	const mostText = 1 << 10
	for i := range status.Findings {
		status.Findings[i].Message = cut(status.Findings[i].Message, mostText)
	}
	for i := range status.Edits {
		status.Edits[i].From, status.Edits[i].To = cut(status.Edits[i].From, mostText), cut(status.Edits[i].To, mostText)
	}
	for i := range status.Restores {
		for j := range status.Restores[i].Waiting {
			status.Restores[i].Waiting[j].Reason = cut(status.Restores[i].Waiting[j].Reason, mostText)
		}
	}
	for sizeOf(status) > mostStatus {
		halveLongest(&status)
	}
	return status
}

func sizeOf(value any) int {
	data, err := json.Marshal(value)
	if err != nil {
		return 0
	}
	return len(data)
}

func halveLongest(status *v1alpha1.RehomingStatus) {
	edits, findings, restores, actions := sizeOf(status.Edits), sizeOf(status.Findings), sizeOf(status.Restores), sizeOf(status.Actions)
	switch max(edits, findings, restores, actions) {
	case edits:
		status.Edits = status.Edits[:len(status.Edits)/2]
	case findings:
		status.Findings = status.Findings[:len(status.Findings)/2]
	case restores:
		status.Restores = status.Restores[:len(status.Restores)/2]
	default:
		status.Actions = status.Actions[:len(status.Actions)/2]
	}
}

// equalStatus compares two statuses as the API server keeps them.
func equalStatus(a, b *v1alpha1.RehomingStatus) bool { return equality.Semantic.DeepEqual(a, b) }
