package conformance

import (
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
)

// policyGenerator draws the source's policies.
type policyGenerator struct {
	restore
	// unsatisfiable restricts the terms to those that no rewrite can make satisfy the laws. Otherwise every term can.
	unsatisfiable bool
	// mirrored says that the source's and the target's namespace hold the same strangers. It matters where the target moved.
	mirrored bool
}

// policy draws a policy of up to three rules.
func (g *policyGenerator) policy(t *rapid.T) policy {
	var p policy
	for _, r := range drawList(t, "rules", 1, 3, g.rule) {
		p.add(r)
	}
	return p
}

// drawList draws the elements of a list one by one, so that rapid can shrink the list by dropping elements.
func drawList[E any](t *rapid.T, label string, minLen, maxLen int, draw func(*rapid.T) E) []E {
	return rapid.SliceOfN(rapid.Custom(draw), minLen, maxLen).Draw(t, label)
}

// rule is a spread constraint or, for every other kind, an affinity term.
type rule struct {
	kind       kind
	term       corev1.WeightedPodAffinityTerm
	constraint corev1.TopologySpreadConstraint
}

type kind int

const (
	requiredAntiAffinity kind = iota
	requiredAffinity
	preferredAntiAffinity
	preferredAffinity
	spread
)

func (g *policyGenerator) rule(t *rapid.T) rule {
	r := rule{kind: kind(rapid.IntRange(0, int(spread)).Draw(t, "kind"))}
	if r.kind == spread {
		r.constraint = g.constraint(t)
	} else {
		r.term.PodAffinityTerm = g.term(t)
		r.term.Weight = rapid.Int32Range(1, 100).Draw(t, "weight")
	}
	return r
}

func (p *policy) add(r rule) {
	switch r.kind {
	case requiredAntiAffinity:
		required := &p.antiAffinity().RequiredDuringSchedulingIgnoredDuringExecution
		*required = append(*required, r.term.PodAffinityTerm)
	case requiredAffinity:
		required := &p.podAffinity().RequiredDuringSchedulingIgnoredDuringExecution
		*required = append(*required, r.term.PodAffinityTerm)
	case preferredAntiAffinity:
		preferred := &p.antiAffinity().PreferredDuringSchedulingIgnoredDuringExecution
		*preferred = append(*preferred, r.term)
	case preferredAffinity:
		preferred := &p.podAffinity().PreferredDuringSchedulingIgnoredDuringExecution
		*preferred = append(*preferred, r.term)
	case spread:
		p.TopologySpreadConstraints = addConstraint(p.TopologySpreadConstraints, r.constraint)
	}
}

func (p *policy) affinity() *corev1.Affinity {
	if p.Affinity == nil {
		p.Affinity = &corev1.Affinity{}
	}
	return p.Affinity
}

func (p *policy) podAffinity() *corev1.PodAffinity {
	if p.affinity().PodAffinity == nil {
		p.Affinity.PodAffinity = &corev1.PodAffinity{}
	}
	return p.Affinity.PodAffinity
}

func (p *policy) antiAffinity() *corev1.PodAntiAffinity {
	if p.affinity().PodAntiAffinity == nil {
		p.Affinity.PodAntiAffinity = &corev1.PodAntiAffinity{}
	}
	return p.Affinity.PodAntiAffinity
}

// addConstraint skips a constraint whose topology key and whenUnsatisfiable are already present: the API server rejects duplicates.
func addConstraint(all []corev1.TopologySpreadConstraint, c corev1.TopologySpreadConstraint) []corev1.TopologySpreadConstraint {
	for i := range all {
		if all[i].TopologyKey == c.TopologyKey && all[i].WhenUnsatisfiable == c.WhenUnsatisfiable {
			return all
		}
	}
	return append(all, c)
}

var topologyKeys = rapid.SampledFrom([]string{corev1.LabelHostname, corev1.LabelTopologyZone})

func (g *policyGenerator) term(t *rapid.T) corev1.PodAffinityTerm {
	return g.drawAllowed(t, func(t *rapid.T) corev1.PodAffinityTerm {
		term := corev1.PodAffinityTerm{TopologyKey: topologyKeys.Draw(t, "topologyKey"), LabelSelector: g.selector(t)}
		term.Namespaces, term.NamespaceSelector = drawNamespaces(t)
		term.MatchLabelKeys, term.MismatchLabelKeys = drawLabelKeys(t, term.LabelSelector)
		return term
	})
}

func (g *policyGenerator) constraint(t *rapid.T) corev1.TopologySpreadConstraint {
	c := corev1.TopologySpreadConstraint{
		MaxSkew:           rapid.Int32Range(1, 2).Draw(t, "maxSkew"),
		TopologyKey:       topologyKeys.Draw(t, "topologyKey"),
		WhenUnsatisfiable: corev1.DoNotSchedule,
	}
	// A constraint has a selector and matchLabelKeys, as a term has, and always covers its Pod's own namespace.
	term := g.drawAllowed(t, func(t *rapid.T) corev1.PodAffinityTerm {
		term := corev1.PodAffinityTerm{LabelSelector: g.selector(t)}
		term.MatchLabelKeys, _ = drawLabelKeys(t, term.LabelSelector)
		return term
	})
	c.LabelSelector, c.MatchLabelKeys = term.LabelSelector, term.MatchLabelKeys
	if rapid.Bool().Draw(t, "soft") {
		c.WhenUnsatisfiable = corev1.ScheduleAnyway
	} else if domains := rapid.Int32Range(0, 2).Draw(t, "minDomains"); domains > 0 {
		c.MinDomains = &domains
	}
	return c
}

// drawAllowed draws a term that the generator's options allow.
func (g *policyGenerator) drawAllowed(t *rapid.T, draw func(*rapid.T) corev1.PodAffinityTerm) corev1.PodAffinityTerm {
	return rapid.Custom(draw).Filter(func(term corev1.PodAffinityTerm) bool {
		if g.unsatisfiable {
			info := g.inspect(term.LabelSelector)
			return (info.namesSource || info.namesShard) && !g.satisfiable(&term)
		}
		return g.satisfiable(&term) && g.fitsStrangers(&term)
	}).Draw(t, "term")
}

// fitsStrangers reports whether the laws can hold for a term among the scenario's strangers, mirrored or not.
//
// A term that selects strangers in its Pod's own namespace selects other Pods once the target moved. No rewrite can prevent that:
// it is the finding NamespaceShift. Such a term is drawn only where strangers are mirrored. The other terms drawn there must
// treat both namespaces alike, because a Pod has to match all terms of a required affinity at once.
func (g *policyGenerator) fitsStrangers(t *corev1.PodAffinityTerm) bool {
	switch {
	case !g.moved() || g.inspect(t.LabelSelector).sourceOnly:
		return true
	case implicitNamespace(t):
		return g.mirrored
	default:
		return !g.mirrored || g.coversBothOrNeither(t)
	}
}
