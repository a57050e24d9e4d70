package remedy

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
)

// The scheduler's words for a Pod's own rules about other Pods, and for a claim that keeps it waiting.
var (
	ownRules = []string{
		"didn't match pod affinity rules", "didn't match pod anti-affinity rules", "didn't match pod topology spread constraints",
	}
	volumes = []string{"unbound immediate PersistentVolumeClaims", "didn't find available persistent volumes", "persistentvolumeclaim"}
)

func mentions(message string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(message, w) })
}

// HeldByOwnRules reports whether the Restore has strict rules among the cluster's own Pods, and a Pod that the scheduler
// turned down for rules about other Pods.
func (r Restore) HeldByOwnRules() bool {
	return len(r.Stale) == 0 && len(r.Strict) > 0 &&
		slices.ContainsFunc(r.Pods, func(p Pod) bool { return mentions(p.Unschedulable, ownRules) })
}

// scheduled says where the Restore's Pods are. What keeps them waiting need not be a rule.
func (r Restore) scheduled() Said {
	waiting := r.waiting()
	without := slices.DeleteFunc(slices.Clone(r.Jobs), func(j Job) bool { return j.HasPods || j.Started != "" })
	switch {
	case len(waiting) > 0:
		return unscheduled(waiting, len(r.Pods))
	case len(without) > 0 && !r.Finished && !r.Failed:
		return Said{metav1.ConditionUnknown, v1alpha1.ReasonNoPods, fmt.Sprintf(
			"Job %s has no Pods. Where that lasts, the events of the Job say why: a quota, for one. It is no matter of scheduling rules.", without[0].Name)}
	case len(r.Jobs) == 0 && !r.Finished && !r.Failed:
		return Said{metav1.ConditionUnknown, v1alpha1.ReasonNoPods, "KubeBlocks has created no Jobs yet."}
	default:
		return Said{metav1.ConditionTrue, v1alpha1.ReasonScheduled, bound(r.Pods)}
	}
}

// waiting lists the Pods that have no node.
func (r Restore) waiting() []Pod {
	return slices.DeleteFunc(slices.Clone(r.Pods), func(p Pod) bool { return p.Node != "" })
}

func unscheduled(waiting []Pod, all int) Said {
	reason := v1alpha1.ReasonScheduling
	lines := make([]string, 0, len(waiting))
	for _, p := range waiting {
		switch {
		case p.Unschedulable == "":
			lines = append(lines, p.Name+": the scheduler has not looked at it yet")
			continue
		case mentions(p.Unschedulable, volumes) && reason != v1alpha1.ReasonUnschedulable:
			reason = v1alpha1.ReasonVolumeNotBound
		default:
			reason = v1alpha1.ReasonUnschedulable
		}
		lines = append(lines, p.Name+": "+p.Unschedulable)
	}
	return Said{metav1.ConditionFalse, reason, fmt.Sprintf("%d of %d Pods wait for a node. %s", len(waiting), all, few(lines))}
}

// bound says that all Pods have nodes, and which do not run there for reasons that are no matter of scheduling.
func bound(pods []Pod) string {
	message := "Every Pod has found a node."
	if len(pods) > 0 {
		message = fmt.Sprintf("%d of %d Pods have found nodes.", len(pods), len(pods))
	}
	var lines []string
	for _, p := range pods {
		if p.Waiting != "" {
			lines = append(lines, fmt.Sprintf("%s on %s: %s", p.Name, p.Node, p.Waiting))
		}
	}
	if len(lines) == 0 {
		return message
	}
	return message + " Not running for other reasons: " + few(lines)
}

// SharesNode reports whether rules that name the source let two of the Restore's Pods, or of the volumes, share a node.
func (r Restore) SharesNode() bool { return len(r.Stale) > 0 && r.shared() != "" }

// shared says which nodes took more than one Pod, and which claims those mount; it is empty where none did.
func (r Restore) shared() string {
	byNode := map[string][]Pod{}
	var nodes []string
	for _, p := range r.Pods {
		if p.Node == "" {
			continue
		}
		if byNode[p.Node] = append(byNode[p.Node], p); len(byNode[p.Node]) == 2 {
			nodes = append(nodes, p.Node)
		}
	}
	lines := make([]string, 0, len(nodes))
	for _, node := range nodes {
		var claims []string
		for _, p := range byNode[node] {
			claims = append(claims, p.Claims...)
		}
		lines = append(lines, fmt.Sprintf("%d of them are on node %s, with the volume claims %s", len(byNode[node]), node, strings.Join(claims, ", ")))
	}
	return few(lines)
}

// few joins the first of many lines.
func few(lines []string) string {
	shown := lines[:min(len(lines), mostRules)]
	text := strings.Join(shown, "; ")
	if more := len(lines) - len(shown); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}
