package remedy

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Decide returns the plan for an observation.
func Decide(o Observation) Plan {
	if o.Obstacle != nil {
		return o.blocked()
	}
	if len(o.Inherited) == 0 {
		return Plan{}
	}
	var plan Plan
	due, held := split(o.Live.Edits, o.Bound)
	if len(due) > 0 {
		plan.Actions = append(plan.Actions, PatchCluster{Cluster: o.Cluster, Edits: due})
	}
	for _, restore := range o.Restores {
		reason, detail := o.judge(restore, due, held)
		if reason == v1alpha1.ReasonRecreatingRestore && !restore.Deleting {
			plan.Actions = append(plan.Actions, RecreateRestore{Restore: restore.Object})
		}
		plan.Verdicts = append(plan.Verdicts, Verdict{
			Restore: restore.Object,
			Status:  statusOf(reason),
			Reason:  reason,
			Message: detail + " " + o.rules(),
		})
	}
	return plan
}

// blocked returns the plan that does nothing and says why.
func (o Observation) blocked() Plan {
	var plan Plan
	for _, restore := range o.Restores {
		plan.Verdicts = append(plan.Verdicts, Verdict{
			Restore: restore.Object,
			Status:  metav1.ConditionUnknown,
			Reason:  o.Obstacle.Reason,
			Message: o.Obstacle.Message,
		})
	}
	return plan
}

// split separates the edits that are due from those that are held back, because a database Pod that the rule governs is
// bound to a node: the edit would restart it.
func split(edits []rewrite.Edit, bound map[string]bool) (due, held []rewrite.Edit) {
	for _, edit := range edits {
		const clusterWide = ""
		if bound[edit.Component] || edit.Component == clusterWide && len(bound) > 0 {
			held = append(held, edit)
		} else {
			due = append(due, edit)
		}
	}
	return due, held
}

// judge returns the reason to show on a Restore, and its sentence.
func (o Observation) judge(r Restore, due, held []rewrite.Edit) (reason, sentence string) {
	switch {
	case r.Stale && r.Finished:
		return v1alpha1.ReasonRestoreFinished,
			"The Restore finished under rules that name the source cluster: there is nothing left to unblock."
	case r.Stale && r.Started != "":
		return v1alpha1.ReasonRestoreStarted,
			fmt.Sprintf("The Restore carries rules that name the source cluster, but %s: it is left alone, because running "+
				"it again could damage restored data.", r.Started)
	case len(due) > 0:
		return v1alpha1.ReasonRewritingCluster, "Rewriting the Cluster's rules to " + o.Cluster.Name + "."
	case len(held) > 0:
		return v1alpha1.ReasonClusterStarted,
			"Database Pods are running under rules that name the source cluster: rewriting them would restart the database."
	case o.componentStale(r.Component):
		return v1alpha1.ReasonWaitingForComponent,
			"The Cluster's rules name " + o.Cluster.Name + "; waiting for KubeBlocks to hand them to Component " + r.Component + "."
	case r.Stale:
		return v1alpha1.ReasonRecreatingRestore,
			"The Restore still carries the old rules and nothing of it ever started: KubeBlocks creates it again with the new ones."
	default:
		return v1alpha1.ReasonRehomed, "The rules inherited from the source cluster name " + o.Cluster.Name + " now."
	}
}

func statusOf(reason string) metav1.ConditionStatus {
	if reason == v1alpha1.ReasonRehomed {
		return metav1.ConditionTrue
	}
	return metav1.ConditionFalse
}

func (o Observation) componentStale(name string) bool {
	return slices.ContainsFunc(o.Components, func(c Component) bool { return c.Name == name && c.Stale })
}

// mostRules bounds how many rules a message lists; it is for reading, and the API server limits its length.
const mostRules = 5

// rules lists the inherited rules, and those that name the source but were not inherited.
func (o Observation) rules() string {
	text := "Inherited: " + list(o.Inherited) + "."
	if intended := o.Live.Of(rewrite.Intended); len(intended) > 0 {
		text += " Kept, because the snapshot does not hold it: " + list(intended) + "."
	}
	return text
}

func list(findings []rewrite.Finding) string {
	shown := findings[:min(len(findings), mostRules)]
	rules := make([]string, 0, len(shown)+1)
	for _, finding := range shown {
		rules = append(rules, finding.Rule)
	}
	if more := len(findings) - len(shown); more > 0 {
		rules = append(rules, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(rules, "; ")
}
