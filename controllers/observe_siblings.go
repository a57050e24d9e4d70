package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// keepsOffSiblings reports whether a Restore is about to be changed, so that its Pods can have to keep off nodes. Stale rules of other
// components do not delay that: some stay stale for good.
func (s *scope) keepsOffSiblings(o *remedy.Restore) bool {
	cluster := &s.observation
	return len(o.Stale) > 0 && !cluster.IsStale(o.Component) && !cluster.ClusterOnly && !cluster.AllowPreferredRules && o.Replacement == ""
}

// observeSiblings fills in which nodes the Pods of a Restore with stale rules must keep off, because other volumes of the database are
// there. The Pods that restored those are gone, and the database Pods are not there yet: no Pod keeps the Restore's away. It is read only
// when the Restore is about to be changed.
func (r *ClusterReconciler) observeSiblings(ctx context.Context, s *scope, restore *restoreScope) error {
	o := &restore.observed
	if !s.keepsOffSiblings(o) {
		return nil
	}
	w, err := r.observeWorld(ctx, s)
	if err != nil || !w.bound {
		return err
	}
	if w.tooMuch != "" {
		o.NoDomain = fmt.Sprintf(siblingsUnknown, w.tooMuch)
		return nil
	}
	others, err := w.othersOf(restore)
	if err != nil {
		return err
	}
	if !others.known {
		o.NoDomain = fmt.Sprintf(siblingsUnknown, tooMuchWork)
		return nil
	}
	if !w.occupancy.Free(others.occupied, nil) {
		o.NoDomain = fmt.Sprintf(siblingsEverywhere, describeDomains(others.occupied))
		return nil
	}
	if away := keepAway(others.occupied); len(away) > 0 {
		o.KeepOff = rewrite.KeepOff(others.policy, away)
	}
	return nil
}

// others is what the volumes of other database Pods mean for the Pods of a Restore.
type others struct {
	// policy is the Restore's, rewritten.
	policy *rewrite.Policy
	// unfilled are the claims whose Pods have no node.
	unfilled map[string]bool
	// occupied are the domains that the policy closes to them. They are known as long as the budget suffices.
	occupied []feasibility.Domain
	known    bool
}

func (w *world) othersOf(restore *restoreScope) (others, error) {
	policies := kubeblocks.RestorePolicies(restore.object, restore.owner)
	rewritten, err := applyEdits(&policies[0], restore.observed.Stale)
	if err != nil {
		return others{}, err
	}
	o := others{policy: rewritten, unfilled: unfilledClaims(restore.observed.Pods)}
	rules := feasibility.Rules{Affinity: rewritten.Affinity}
	o.occupied, o.known = w.occupancy.Occupied(rules, func(p *feasibility.Pod) bool { return !o.fills(p) })
	return o, nil
}

// fills reports whether a volume of a database Pod is one that the Restore has yet to fill.
func (o *others) fills(p *feasibility.Pod) bool {
	return slices.ContainsFunc(p.Volumes, func(v feasibility.Volume) bool { return o.unfilled[v.Claim] })
}

// unfilledClaims returns the claims of Pods that have no node: what is restored there can still move.
func unfilledClaims(pods []remedy.Pod) map[string]bool {
	unfilled := map[string]bool{}
	for i := range pods {
		for _, claim := range pods[i].Claims {
			unfilled[claim] = unfilled[claim] || pods[i].Node == ""
		}
	}
	return unfilled
}

// keepAway returns the requirements of nodes outside of the domains.
func keepAway(occupied []feasibility.Domain) []corev1.NodeSelectorRequirement {
	var away []corev1.NodeSelectorRequirement
	for _, d := range occupied {
		i := slices.IndexFunc(away, func(r corev1.NodeSelectorRequirement) bool { return r.Key == d.Key })
		if i < 0 {
			i = len(away)
			away = append(away, corev1.NodeSelectorRequirement{Key: d.Key, Operator: corev1.NodeSelectorOpNotIn})
		}
		away[i].Values = append(away[i].Values, d.Value)
	}
	return away
}

func describeDomains(domains []feasibility.Domain) string {
	texts := make([]string, 0, len(domains))
	for _, d := range domains {
		texts = append(texts, d.Key+"="+d.Value)
	}
	return strings.Join(texts, ", ")
}
