package controllers

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/metrics"
	"github.com/rehome-operator/rehome/pkg/rewrite"
	"github.com/rehome-operator/rehome/pkg/sources"
)

// recall replaces Backups that can no longer be read by what the Rehoming reported of them, so that a Backup that expired is an
// obstacle only while something is undecided. Of the status, only places count: what is due there is decided again.
func (r *ClusterReconciler) recall(_ context.Context, s *scope) error {
	o := &s.observation
	if o.Obstacle == nil || o.Obstacle.Reason != v1alpha1.ReasonSourceUnknown || !s.isDecided() {
		return nil
	}
	o.Obstacle, s.recalled = nil, true
	status := &s.rehoming.Status
	source := rewrite.Source{
		Identity:   rewrite.Identity{Namespace: status.Source.Namespace, Name: status.Source.Name, UID: types.UID(status.Source.UID)},
		Components: kubeblocks.ComponentsOf(s.cluster),
	}
	due := s.recalledPlaces()
	for _, policy := range kubeblocks.ClusterPolicies(s.cluster) {
		source.Policies = append(source.Policies, rewrite.Only(&policy, func(rule string) bool {
			return slices.ContainsFunc(due, func(path string) bool { return strings.HasPrefix(path, rule+"/") })
		}))
	}
	s.sources = nil
	for _, backup := range status.Backups {
		source.Backup = backup.Namespace + "/" + backup.Name
		s.sources = append(s.sources, source)
	}
	return nil
}

// isDecided reports whether the Rehoming reported all that was inherited, and no Restore is under way.
func (s *scope) isDecided() bool {
	if s.rehoming == nil || s.namedSource != nil || s.rehoming.Spec.Source != nil {
		return false
	}
	status := &s.rehoming.Status
	if !s.isReported() || status.Source == nil || len(status.Backups) == 0 || !isWhole(status) {
		return false
	}
	return !slices.ContainsFunc(s.restores, func(r restoreScope) bool {
		phase := r.object.Status.Phase
		return phase != kubeblocks.RestoreCompleted && phase != kubeblocks.RestoreFailed
	})
}

// isReported reports whether the Rehoming is about this Cluster, and not about a deleted one of its name.
func (s *scope) isReported() bool {
	if owner := sources.ClusterOwner(s.rehoming); owner != nil {
		return owner.UID == s.cluster.UID
	}
	return !predates(s.rehoming, s.cluster)
}

// isWhole reports whether a status lists all that was due. Where all is rewritten, it does not matter that a list was too long to be whole.
func isWhole(status *v1alpha1.RehomingStatus) bool {
	counts := status.Counts
	return counts != nil && int(counts.Edits) == len(status.Edits) && int(counts.Findings) == len(status.Findings) ||
		meta.IsStatusConditionTrue(status.Conditions, v1alpha1.RehomingPolicyRehomed)
}

// recalledPlaces returns the places of the reported edits that are not applied: the old value still stands there. Where the new one
// stands, the edit was applied since the last report.
func (s *scope) recalledPlaces() []string {
	var due []string
	spec, err := json.Marshal(s.cluster)
	if err != nil {
		return nil
	}
	for _, edit := range s.rehoming.Status.Edits {
		if edit.AppliedTime != nil {
			continue
		}
		switch edit.From {
		case valueAt(spec, edit.Path):
			due = append(due, edit.Path)
		default:
			s.appliedSince = s.appliedSince || valueAt(spec, edit.Path) == edit.To
		}
	}
	return due
}

// valueAt returns the value at a JSON Pointer as formatValue formats it; empty where there is none.
func valueAt(object []byte, path string) string {
	test, err := json.Marshal([]map[string]string{{"op": "copy", "from": path, "path": "/value"}})
	if err != nil {
		return ""
	}
	p, err := jsonpatch.DecodePatch(test)
	if err != nil {
		return ""
	}
	copied, err := p.Apply(object)
	if err != nil {
		return ""
	}
	var found struct{ Value any }
	if json.Unmarshal(copied, &found) != nil {
		return ""
	}
	return formatValue(found.Value)
}

// recallFindings returns the reported findings of one class, or all for an empty class.
func (s *scope) recallFindings(class rewrite.Class) []rewrite.Finding {
	var findings []rewrite.Finding
	for _, f := range s.rehoming.Status.Findings {
		if class == "" || f.Class == string(class) {
			findings = append(findings, rewrite.Finding{Path: f.Path, Class: rewrite.Class(f.Class), Rule: f.Message, Message: f.Message})
		}
	}
	return findings
}

// keepsReport reports whether the last report on a Cluster stands: its Backups are gone, and nothing has changed or is due.
func (s *scope) keepsReport(actions int) bool { return s.recalled && !s.appliedSince && actions == 0 }

// keepReport sets the gauges from the last report, and confirms it.
func (r *ClusterReconciler) keepReport(ctx context.Context, s *scope) error {
	status := &s.rehoming.Status
	c := metrics.Cluster{Restores: map[string]int{}, Findings: map[rewrite.Class]int{}, Wait: reportedWait(*status)}
	if policy := meta.FindStatusCondition(status.Conditions, v1alpha1.RehomingPolicyRehomed); policy != nil {
		c.Reason = policy.Reason
	}
	for _, restore := range status.Restores {
		c.Restores[restore.PolicyReason]++
	}
	for _, f := range status.Findings {
		c.Findings[rewrite.Class(f.Class)]++
	}
	if pods := meta.FindStatusCondition(status.Conditions, v1alpha1.RehomingPodsScheduled); pods != nil && pods.Status == metav1.ConditionTrue {
		c.Wait = metrics.Wait{}
	}
	r.Metrics.Set(s.name, c)
	return r.confirmReport(ctx, s)
}
