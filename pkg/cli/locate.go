package cli

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// locator finds the rules of the Pods of a component and of an instance template.
type locator struct {
	*origin
	component, template string
}

// locate finds a rule in a Backup's snapshot, or else in the Cluster.
func (l locator) locate(r placement.Rule) placement.Location {
	for i := range l.sources {
		if path := rulePath(l.governing(l.sources[i].Policies), r); path != "" && l.sources[i].Backup != "" {
			return placement.Location{Path: path, Backup: l.sources[i].Backup}
		}
	}
	return placement.Location{Path: rulePath(l.governing(l.policies), r)}
}

// governing lists the policies that can govern the Pods, the closest first: of the template, of the component and of the Cluster. Another
// component can have an equal rule.
func (l locator) governing(policies []rewrite.Policy) []rewrite.Policy {
	var own, component, cluster []rewrite.Policy
	for _, p := range policies {
		switch {
		case p.Component == "":
			cluster = append(cluster, p)
		case p.Component != l.component:
		case p.Template == l.template:
			own = append(own, p)
		default:
			component = append(component, p)
		}
	}
	return slices.Concat(own, component, cluster)
}

// rulePath returns the JSON Pointer of a rule in policies, or an empty string.
func rulePath(policies []rewrite.Policy, r placement.Rule) string {
	for i := range policies {
		p := &policies[i]
		if r.Kind == placement.Spread {
			for j := range p.TopologySpreadConstraints {
				if apiequality.Semantic.DeepEqual(&p.TopologySpreadConstraints[j], r.Constraint) {
					return p.Path + "/topologySpreadConstraints/" + strconv.Itoa(j)
				}
			}
			continue
		}
		terms, list := requiredTerms(p.Affinity, r.Kind)
		for j := range terms {
			if apiequality.Semantic.DeepEqual(&terms[j], r.Term) {
				return p.Path + "/affinity/" + list + "/requiredDuringSchedulingIgnoredDuringExecution/" + strconv.Itoa(j)
			}
		}
	}
	return ""
}

// requiredTerms returns the required terms of a kind, and the name of their parent.
func requiredTerms(a *corev1.Affinity, kind placement.RuleKind) ([]corev1.PodAffinityTerm, string) {
	switch {
	case a == nil:
	case kind == placement.Affinity && a.PodAffinity != nil:
		return a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution, "podAffinity"
	case kind == placement.AntiAffinity && a.PodAntiAffinity != nil:
		return a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution, "podAntiAffinity"
	}
	return nil, ""
}
