package feasibility

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SelectingRule is a required rule with the selector of the Pods that it is about.
type SelectingRule struct {
	Rule
	Selector *metav1.LabelSelector
}

// Required lists the rules of a policy that can leave a Pod without a node. The selectors are those of the rules, not copies.
func Required(policy string, r Rules) []SelectingRule {
	var rules []SelectingRule
	add := func(kind Kind, i int, key string, selector *metav1.LabelSelector) {
		rules = append(rules, SelectingRule{Rule{policy, kind, i, key}, selector})
	}
	if r.Affinity != nil && r.Affinity.PodAffinity != nil {
		for i, t := range r.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
			add(Affinity, i, t.TopologyKey, t.LabelSelector)
		}
	}
	if r.Affinity != nil && r.Affinity.PodAntiAffinity != nil {
		for i, t := range r.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
			add(AntiAffinity, i, t.TopologyKey, t.LabelSelector)
		}
	}
	for i, c := range r.TopologySpreadConstraints {
		if c.WhenUnsatisfiable == corev1.DoNotSchedule {
			add(Spread, i, c.TopologyKey, c.LabelSelector)
		}
	}
	return rules
}

// changedRules lists the rules of a Pod that the rewrite changes.
func changedRules(p *Pod) []Rule {
	var rules []Rule
	for _, kind := range []Kind{Affinity, AntiAffinity} {
		stale := required(&p.Stale, kind)
		for i, t := range required(&p.Rewritten, kind) {
			if i >= len(stale) || !equality.Semantic.DeepEqual(stale[i], t) {
				rules = append(rules, Rule{p.Policy, kind, i, t.TopologyKey})
			}
		}
	}
	stale := p.Stale.TopologySpreadConstraints
	for i, c := range p.Rewritten.TopologySpreadConstraints {
		if c.WhenUnsatisfiable == corev1.DoNotSchedule && (i >= len(stale) || !equality.Semantic.DeepEqual(stale[i], c)) {
			rules = append(rules, Rule{p.Policy, Spread, i, c.TopologyKey})
		}
	}
	return rules
}

// Path returns the JSON Pointer of the rule in the object that its policy is in.
func (r Rule) Path() string {
	list := map[Kind]string{
		Affinity:     "/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/",
		AntiAffinity: "/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/",
		Spread:       "/topologySpreadConstraints/",
	}[r.Kind]
	return r.Policy + list + strconv.Itoa(r.Index)
}
