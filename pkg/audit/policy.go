package audit

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// countGoverned returns how many Pods the largest component has to which the cluster's policy applies. A policy of the component replaces
// that one.
func (t *trial) countGoverned() int {
	overriding := kubeblocks.Overriding(t.Policies)
	largest := 0
	for i := range t.Components {
		if name := t.Components[i].Name; !overriding[name] {
			largest = max(largest, t.needs.Pods[name], 1)
		}
	}
	return largest
}

// attraction is required affinity that selects Pods of the source.
type attraction struct {
	topologyKey string
	// selects says which of the source's Pods.
	selects []bool
}

// maxAttractions limits those of one policy. Public policies have two at most.
const maxAttractions = 16

// attractions returns the required affinity of a policy to Pods of the source. It is computed once.
func (t *trial) attractions(p *rewrite.Policy) []attraction {
	if known, ok := t.attracted[p.Path]; ok {
		return known
	}
	var list []attraction
	if p.Affinity != nil && p.Affinity.PodAffinity != nil {
		for _, term := range p.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
			a := rule{kind: affinity, topologyKey: term.TopologyKey, selector: term.LabelSelector}
			if a.selected(t.source) > 0 && len(list) < maxAttractions {
				list = append(list, attraction{a.topologyKey, a.selects(t.source)})
			}
		}
	}
	t.attracted[p.Path] = list
	return list
}

// drawnToSource reports whether required affinity of the same policy keeps the Pods in domains of the source that an anti-affinity rule
// excludes: the rule selects all Pods that the affinity selects, and excludes a node or a domain as large.
func (t *trial) drawnToSource(p *rewrite.Policy, r rule) bool {
	attractions := t.attractions(p)
	if len(attractions) == 0 {
		return false
	}
	excluded := r.selects(t.source)
	for _, a := range attractions {
		if (a.topologyKey == r.topologyKey || a.topologyKey == corev1.LabelHostname) && contains(excluded, a.selects) {
			return true
		}
	}
	return false
}

// contains reports whether all that part has is in whole.
func contains(whole, part []bool) bool {
	for i := range part {
		if part[i] && !whole[i] {
			return false
		}
	}
	return true
}
