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

// observeSiblings fills in which nodes the Pods of a Restore with stale rules must keep off, because other volumes of the database are
// there. The Pods that restored those are gone, and the database Pods are not there yet: no Pod keeps the Restore's away. It is read only
// when the Restore is about to be changed.
func (r *ClusterReconciler) observeSiblings(ctx context.Context, s *scope, restore *restoreScope) error {
	o, cluster := &restore.observed, &s.observation
	if len(o.Stale) == 0 || len(cluster.Live.Edits) > 0 || cluster.ClusterOnly || cluster.AllowPreferredRules || o.Replacement != "" {
		return nil
	}
	w, err := r.observeWorld(ctx, s)
	if err != nil || !w.bound {
		return err
	}
	policies := kubeblocks.RestorePolicies(restore.object, restore.owner)
	rewritten, err := applyEdits(&policies[0], o.Stale)
	if err != nil {
		return err
	}
	own := unfilledClaims(o.Pods)
	rules := feasibility.Rules{Affinity: rewritten.Affinity}
	occupied := w.Occupied(rules, func(p *feasibility.Pod) bool {
		return !slices.ContainsFunc(p.Volumes, func(v feasibility.Volume) bool { return own[v.Claim] })
	})
	if !w.Free(occupied, nil) {
		o.NoDomain = fmt.Sprintf(siblingsEverywhere, describeDomains(occupied))
		return nil
	}
	o.KeepOff = keepOff(rewritten, occupied)
	return nil
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

// keepOff returns the edits that close the domains to Pods with a policy.
func keepOff(policy *rewrite.Policy, occupied []feasibility.Domain) []rewrite.Edit {
	var away []corev1.NodeSelectorRequirement
	for _, d := range occupied {
		i := slices.IndexFunc(away, func(r corev1.NodeSelectorRequirement) bool { return r.Key == d.Key })
		if i < 0 {
			i = len(away)
			away = append(away, corev1.NodeSelectorRequirement{Key: d.Key, Operator: corev1.NodeSelectorOpNotIn})
		}
		away[i].Values = append(away[i].Values, d.Value)
	}
	if len(away) == 0 {
		return nil
	}
	return rewrite.KeepOff(policy, away)
}

func describeDomains(domains []feasibility.Domain) string {
	texts := make([]string, 0, len(domains))
	for _, d := range domains {
		texts = append(texts, d.Key+"="+d.Value)
	}
	return strings.Join(texts, ", ")
}
