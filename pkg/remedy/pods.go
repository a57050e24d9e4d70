package remedy

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// The scheduler's words for a Pod's own rules about other Pods, and for a claim without a volume.
var (
	ownRules = []string{
		"didn't match pod affinity rules", "didn't match pod anti-affinity rules", "didn't match pod topology spread constraints",
	}
	volumes = []string{"unbound immediate PersistentVolumeClaims", "didn't find available persistent volumes", "persistentvolumeclaim"}
)

func mentions(message string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(message, w) })
}

// HeldByOwnRules reports whether the Restore has required rules among the cluster's own Pods, and a Pod that is Unschedulable
// because of rules about other Pods.
func (r Restore) HeldByOwnRules() bool {
	return len(r.Stale) == 0 && len(r.Strict) > 0 &&
		slices.ContainsFunc(r.Pods, func(p Pod) bool { return mentions(p.Unschedulable, ownRules) })
}

// podsScheduled returns the condition PodsScheduled of a Restore, with the rules that Rehome keeps and that can hold its Pods.
func (d *decision) podsScheduled(r Restore) metav1.Condition {
	condition := r.podsScheduled()
	condition.Message += d.keptRules(r.pending())
	return d.withCommand(condition)
}

// withCommand adds the command that says which rule or node it is, where the scheduler finds no node.
func (d *decision) withCommand(condition metav1.Condition) metav1.Condition {
	if condition.Reason == v1alpha1.ReasonUnschedulable {
		condition.Message += fmt.Sprintf(explainCommand, d.Cluster.Name, d.Cluster.Namespace)
	}
	return condition
}

// podsScheduled returns the condition PodsScheduled. Rules are not the only cause of Pending Pods.
func (r Restore) podsScheduled() metav1.Condition {
	pending := r.pending()
	without := slices.DeleteFunc(slices.Clone(r.Jobs), func(j Job) bool { return j.HasPods || j.Started != "" })
	switch {
	case len(pending) > 0:
		return unscheduled(pending, fmt.Sprintf(podsPending, len(pending), len(r.Pods)))
	case len(without) > 0 && !r.Finished && !r.Failed:
		return conditionUnknown(v1alpha1.ReasonNoPods, fmt.Sprintf(jobHasNoPods, without[0].Name))
	case len(r.Jobs) == 0 && !r.Finished && !r.Failed:
		return conditionUnknown(v1alpha1.ReasonNoPods, noJobsYet)
	default:
		return conditionTrue(v1alpha1.ReasonScheduled, bound(r.Pods))
	}
}

// pending lists the Pods that have no node.
func (r Restore) pending() []Pod {
	return slices.DeleteFunc(slices.Clone(r.Pods), func(p Pod) bool { return p.Node != "" })
}

// unscheduled returns the condition PodsScheduled for Pods without a node. The scheduler's words on a Pod stay until it is bound, so
// they can be old where its volume is being restored.
func unscheduled(pending []Pod, summary string) metav1.Condition {
	reason := v1alpha1.ReasonScheduling
	lines := make([]string, 0, len(pending))
	for _, p := range pending {
		switch {
		case p.RestoringOn != "":
			lines = append(lines, fmt.Sprintf(restoringVolume, p.Name, p.RestoringOn))
			if reason == v1alpha1.ReasonScheduling {
				reason = v1alpha1.ReasonRestoringVolumes
			}
			continue
		case p.Unschedulable == "":
			lines = append(lines, p.Name+notYetScheduled)
			continue
		case mentions(p.Unschedulable, volumes) && reason != v1alpha1.ReasonUnschedulable:
			reason = v1alpha1.ReasonVolumeNotBound
		default:
			reason = v1alpha1.ReasonUnschedulable
		}
		lines = append(lines, p.Name+": "+p.Unschedulable)
	}
	message := summary + " " + summarize(lines)
	if reason == v1alpha1.ReasonRestoringVolumes {
		return conditionUnknown(reason, message)
	}
	return *conditionFalse(reason, "%s", message)
}

// bound says that all Pods have nodes, and which do not run for reasons other than scheduling.
func bound(pods []Pod) string {
	message := everyPodBound
	if len(pods) > 0 {
		message = fmt.Sprintf(podsBound, len(pods), len(pods))
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
	return message + notRunning + summarize(lines)
}

// wasToSpread reports whether a stale rule of the Restore was to keep Pods apart.
func (r Restore) wasToSpread() bool {
	return slices.ContainsFunc(r.Stale, func(e rewrite.Edit) bool { return !strings.Contains(e.Path, "/podAffinity/") })
}

// sharedNodes lists the nodes that have more than one of the Pods, in the order in which they became shared. There are none where the stale
// rules were to bring Pods together.
func (r Restore) sharedNodes() []SharedNode {
	if !r.wasToSpread() {
		return nil
	}
	byNode := map[string][]Pod{}
	var shared []SharedNode
	for _, p := range r.Pods {
		if p.Node == "" {
			continue
		}
		if byNode[p.Node] = append(byNode[p.Node], p); len(byNode[p.Node]) == 2 {
			shared = append(shared, SharedNode{Node: p.Node})
		}
	}
	for i := range shared {
		pods := byNode[shared[i].Node]
		shared[i].Pods = len(pods)
		var claims []string
		for _, p := range pods {
			claims = append(claims, p.Claims...)
		}
		shared[i].Claims = claims[:min(len(claims), maxListed)]
		shared[i].MoreClaims = len(claims) - len(shared[i].Claims)
	}
	return shared
}
