package controllers

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

// unfilled returns the world in which database Pods whose volumes are yet to be filled keep off the domains of other volumes. Up to
// KubeBlocks 1.1 a volume is where its restore Pod runs, and observeSiblings has restore Pods keep off once the Cluster is rewritten.
// Without that, a rewrite would be refused wherever one volume of several is restored: another Pod could take its node first. It is
// left out where it would cost too much.
func (s *scope) unfilled(w *world) (*feasibility.World, error) {
	result := w.World
	if s.observation.ClusterOnly || s.observation.AllowPreferredRules {
		return &result, nil
	}
	result.Pods = slices.Clone(w.Pods)
	narrow := narrowing{left: maxNarrowed}
	for i := range s.restores {
		restore := &s.restores[i]
		if !restore.willKeepOff() {
			continue
		}
		others, err := w.othersOf(restore)
		if err != nil {
			return nil, err
		}
		away := keepAway(others.occupied)
		if !others.known || len(away) == 0 || !w.occupancy.Free(others.occupied, nil) {
			continue
		}
		narrow.known = map[*corev1.Affinity]*corev1.Affinity{}
		for j := range result.Pods {
			if pod := &result.Pods[j]; others.fills(pod) {
				pod.Stale, pod.Rewritten = narrow.onlyOn(pod.Stale, away), narrow.onlyOn(pod.Rewritten, away)
			}
		}
	}
	return &result, nil
}

// willKeepOff reports whether all Pods that are yet to run for a Restore will keep off the volumes that are there now. The Jobs of a serial
// Restore run one after another, and a later one can take the node of an earlier one.
func (r *restoreScope) willKeepOff() bool {
	o := &r.observed
	return r.unfinished() && len(o.Stale) > 0 && o.Replacement == "" && !o.Serial && !o.Deleting
}

// maxNarrowed is how many requirements of nodes the rules of all Pods have that are narrowed, those that are added included.
const maxNarrowed = 100_000

// narrowing adds requirements of nodes to rules. Pods that share rules share those with the requirements, too.
type narrowing struct {
	known map[*corev1.Affinity]*corev1.Affinity
	// left is how many more requirements the rules may have.
	left int
}

// onlyOn returns rules with more requirements of nodes, or the rules as they are where that would be too many.
func (n *narrowing) onlyOn(r feasibility.Rules, requirements []corev1.NodeSelectorRequirement) feasibility.Rules {
	narrowed, ok := n.known[r.Affinity]
	if !ok {
		terms := nodeTerms(r.Affinity)
		n.left -= (1 + len(terms)) * len(requirements)
		for i := range terms {
			n.left -= 1 + len(terms[i].MatchExpressions)
		}
		if n.left < 0 {
			return r
		}
		narrowed = onlyOn(r.Affinity, requirements)
		n.known[r.Affinity] = narrowed
	}
	r.Affinity = narrowed
	return r
}

// nodeTerms returns the required terms about nodes. A node must match one of them.
func nodeTerms(a *corev1.Affinity) []corev1.NodeSelectorTerm {
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	return a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
}

// onlyOn returns an affinity with more requirements of nodes. It shares all else with the one before.
func onlyOn(before *corev1.Affinity, requirements []corev1.NodeSelectorRequirement) *corev1.Affinity {
	var affinity corev1.Affinity
	if before != nil {
		affinity = *before
	}
	var nodes corev1.NodeAffinity
	if affinity.NodeAffinity != nil {
		nodes = *affinity.NodeAffinity
	}
	terms := []corev1.NodeSelectorTerm{{MatchExpressions: requirements}}
	if nodes.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		terms = slices.Clone(nodeTerms(before))
		for i := range terms {
			term := &terms[i]
			if len(term.MatchExpressions) > 0 || len(term.MatchFields) > 0 { // a term without either matches no node
				term.MatchExpressions = slices.Concat(term.MatchExpressions, requirements)
			}
		}
	}
	nodes.RequiredDuringSchedulingIgnoredDuringExecution = &corev1.NodeSelector{NodeSelectorTerms: terms}
	affinity.NodeAffinity = &nodes
	return &affinity
}
