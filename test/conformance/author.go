package conformance

import (
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
)

// author writes the source's policies.
type author struct {
	restore
	// hopeless makes the author write what no rewrite can satisfy the laws for, and not what one can.
	hopeless bool
	// neighbourly makes the author write, for a target that moves, only what holds among the same neighbours in another
	// namespace. Otherwise the author writes only what holds whoever they are.
	neighbourly bool
}

// policy draws a policy of up to three rules.
func (a *author) policy(t *rapid.T) policy {
	var p policy
	for _, r := range list(t, "rules", 1, 3, a.rule) {
		p.add(r)
	}
	return p
}

// list draws the elements of a list one by one, so that rapid can shrink it by leaving some out.
func list[E any](t *rapid.T, label string, fewest, most int, draw func(*rapid.T) E) []E {
	return rapid.SliceOfN(rapid.Custom(draw), fewest, most).Draw(t, label)
}

// rule is one rule about other Pods: a term of an affinity or, where kind says so, a spread constraint.
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

func (a *author) rule(t *rapid.T) rule {
	r := rule{kind: kind(rapid.IntRange(0, int(spread)).Draw(t, "kind"))}
	if r.kind == spread {
		r.constraint = a.constraint(t)
	} else {
		r.term.PodAffinityTerm = a.term(t)
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

// addConstraint adds a constraint unless there is one for the same domains already, which the API server would refuse.
func addConstraint(all []corev1.TopologySpreadConstraint, c corev1.TopologySpreadConstraint) []corev1.TopologySpreadConstraint {
	for i := range all {
		if all[i].TopologyKey == c.TopologyKey && all[i].WhenUnsatisfiable == c.WhenUnsatisfiable {
			return all
		}
	}
	return append(all, c)
}

var topologyKeys = rapid.SampledFrom([]string{corev1.LabelHostname, corev1.LabelTopologyZone})

// term draws a term of an affinity.
func (a *author) term(t *rapid.T) corev1.PodAffinityTerm {
	return a.suitable(t, func(t *rapid.T) corev1.PodAffinityTerm {
		term := corev1.PodAffinityTerm{TopologyKey: topologyKeys.Draw(t, "topologyKey"), LabelSelector: a.selector(t)}
		term.Namespaces, term.NamespaceSelector = drawNamespaces(t)
		term.MatchLabelKeys, term.MismatchLabelKeys = drawLabelKeys(t, term.LabelSelector)
		return term
	})
}

func (a *author) constraint(t *rapid.T) corev1.TopologySpreadConstraint {
	c := corev1.TopologySpreadConstraint{
		MaxSkew:           rapid.Int32Range(1, 2).Draw(t, "maxSkew"),
		TopologyKey:       topologyKeys.Draw(t, "topologyKey"),
		WhenUnsatisfiable: corev1.DoNotSchedule,
	}
	// Of a term, a constraint has the selector and one list of label keys. It ranges over its Pod's own namespace.
	term := a.suitable(t, func(t *rapid.T) corev1.PodAffinityTerm {
		term := corev1.PodAffinityTerm{LabelSelector: a.selector(t)}
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

// suitable draws a term that the author may write.
func (a *author) suitable(t *rapid.T, draw func(*rapid.T) corev1.PodAffinityTerm) corev1.PodAffinityTerm {
	return rapid.Custom(draw).Filter(func(term corev1.PodAffinityTerm) bool {
		if a.hopeless {
			w := a.whom(term.LabelSelector)
			return (w.source || w.shard) && !a.satisfiable(&term)
		}
		return a.satisfiable(&term) && a.fitsIn(&term)
	}).Draw(t, "term")
}

// fitsIn reports whether a term can stand in a policy of one kind, neighbourly or not.
//
// A term that takes strangers and ranges over its Pod's own namespace meets others where the target moved, and no rewrite can
// help it: that is what the finding NamespaceShift is for. It is checked among the same strangers in both namespaces. Beside
// it, a term must not tell the two namespaces apart: a Pod has to meet all terms of a required affinity at once.
func (a *author) fitsIn(t *corev1.PodAffinityTerm) bool {
	switch {
	case !a.moved() || a.whom(t.LabelSelector).sourceOnly:
		return true
	case implicitNamespace(t):
		return a.neighbourly
	default:
		return !a.neighbourly || a.rangesAlike(t)
	}
}
