package controllers

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

// unfilled returns the world in which database Pods whose volumes are yet to be filled keep off the domains of other volumes. Up to
// KubeBlocks 1.1 a volume is where its restore Pod runs, and observeSiblings has restore Pods keep off once the Cluster is rewritten.
// Without that, a rewrite would be refused wherever one volume of several is restored: another Pod could take its node first.
func (s *scope) unfilled(w *world) (*feasibility.World, error) {
	result := w.World
	if s.observation.ClusterOnly || s.observation.AllowPreferredRules {
		return &result, nil
	}
	result.Pods = slices.Clone(w.Pods)
	for i := range s.restores {
		restore := &s.restores[i]
		if !restore.willKeepOff() {
			continue
		}
		others, err := w.othersOf(restore)
		if err != nil {
			return nil, err
		}
		if away := keepAway(others.occupied); len(away) > 0 && w.Free(others.occupied, nil) {
			for j := range result.Pods {
				if pod := &result.Pods[j]; others.fills(pod) {
					pod.Stale, pod.Rewritten = onlyOn(pod.Stale, away), onlyOn(pod.Rewritten, away)
				}
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

// onlyOn returns rules with more requirements of nodes.
func onlyOn(r feasibility.Rules, requirements []corev1.NodeSelectorRequirement) feasibility.Rules {
	affinity := r.Affinity.DeepCopy()
	if affinity == nil {
		affinity = &corev1.Affinity{}
	}
	if affinity.NodeAffinity == nil {
		affinity.NodeAffinity = &corev1.NodeAffinity{}
	}
	required := &affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	if *required == nil {
		*required = &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: requirements}}}
	} else {
		for i := range (*required).NodeSelectorTerms {
			term := &(*required).NodeSelectorTerms[i]
			if len(term.MatchExpressions) > 0 || len(term.MatchFields) > 0 { // a term without either matches no node
				term.MatchExpressions = append(term.MatchExpressions, requirements...)
			}
		}
	}
	r.Affinity = affinity
	return r
}
