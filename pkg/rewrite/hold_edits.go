package rewrite

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// removedBy returns the JSON Pointers that edits remove.
func removedBy(edits []Edit) map[string]bool {
	removed := map[string]bool{}
	for _, e := range edits {
		if e.To == nil {
			removed[e.Path] = true
		}
	}
	return removed
}

// moved returns the terms of a policy in the order that they have after edits. Relax moves required terms behind the preferred ones.
func moved(all []term, removed map[string]bool) []term {
	rank := func(t term) int {
		switch list := t.path[:strings.LastIndexByte(t.path, '/')]; {
		case t.pods == nil:
			return 0 // a constraint keeps its index
		case t.required && (removed[t.path] || removed[list]):
			return 2
		case t.required:
			return 0
		default:
			return 1
		}
	}
	order := map[kind]int{affinity: 0, antiAffinity: 1, spread: 2}
	slices.SortStableFunc(all, func(a, b term) int {
		if a.kind != b.kind {
			return order[a.kind] - order[b.kind]
		}
		return rank(a) - rank(b)
	})
	return all
}

// keeper collects the rules of one policy that Hold replaces by those that are stored.
type keeper struct {
	leaves edits
	// relaxed are the stale rules whose stored form is a preferred one.
	relaxed []replacement
	rules   int
}

type replacement struct{ stale, stored term }

// keep replaces a rule by the stored one, and reports whether it can. The two may differ only in what a rewrite and Relax change.
func (k *keeper) keep(stale, stored term) bool {
	like := stale.withSelectorsOf(stored)
	switch canonicalOf(stored) {
	case canonicalOf(like):
		k.leaves.replaced(stale, stored)
		k.rules++
	case canonicalOf(like.preferred()):
		k.relaxed = append(k.relaxed, replacement{stale, stored})
	default:
		return false
	}
	return true
}

// edits returns the edits of the policy, and how many rules they keep. Those that move rules stand behind those of leaves.
func (k *keeper) edits(p *Policy) ([]Edit, int) {
	held, rules := k.leaves, k.rules
	if p.Affinity != nil && p.Affinity.PodAffinity != nil {
		a := p.Affinity.PodAffinity
		rules += k.prefer(&held, affinity, a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if p.Affinity != nil && p.Affinity.PodAntiAffinity != nil {
		a := p.Affinity.PodAntiAffinity
		rules += k.prefer(&held, antiAffinity, a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	spreads := k.of(spread)
	anyway := map[string]bool{}
	for _, path := range held.scheduleAnyway(staleOf(spreads), p.TopologySpreadConstraints) {
		anyway[path] = true
	}
	for _, r := range spreads {
		if anyway[r.stale.path] {
			held.replaced(r.stale, r.stored)
			rules++
		}
	}
	return held, rules
}

func (k *keeper) of(kind kind) []replacement {
	return slices.DeleteFunc(slices.Clone(k.relaxed), func(r replacement) bool { return r.stale.kind != kind })
}

func (k *keeper) prefer(e *edits, kind kind, required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm) int {
	rules := k.of(kind)
	stored := make([]corev1.PodAffinityTerm, len(rules))
	for i, r := range rules {
		stored[i] = *r.stored.pods
	}
	e.prefer(staleOf(rules), stored, required, preferred)
	return len(rules)
}

func staleOf(rules []replacement) []term {
	stale := make([]term, len(rules))
	for i, r := range rules {
		stale[i] = r.stale
	}
	return stale
}

// withSelectorsOf returns the term with the selectors and namespaces of another.
func (t term) withSelectorsOf(other term) term {
	t.selector = other.selector
	if t.pods != nil && other.pods != nil {
		pods := *t.pods
		pods.Namespaces, pods.NamespaceSelector = other.pods.Namespaces, other.pods.NamespaceSelector
		t.pods = &pods
	}
	return t
}

// preferred returns the term as Relax makes it.
func (t term) preferred() term {
	if !t.required {
		return t
	}
	t.required = false
	if t.constraint == nil {
		t.weight = strongest
		return t
	}
	constraint := *t.constraint
	constraint.WhenUnsatisfiable, constraint.MinDomains = corev1.ScheduleAnyway, nil
	t.constraint = &constraint
	return t
}

// replaced adds the edits that give a rule the selectors and namespaces of another. They are replaced as a whole, because their
// requirements can stand in another order.
func (e *edits) replaced(from, to term) {
	if !sameSelector(from.selector, to.selector) {
		e.add(from.path+"/labelSelector", selectorOrNil(from.selector), selectorOrNil(to.selector))
	}
	if from.pods == nil || to.pods == nil {
		return
	}
	if !slices.Equal(from.pods.Namespaces, to.pods.Namespaces) {
		e.add(from.path+"/namespaces", orNil(from.pods.Namespaces), orNil(to.pods.Namespaces))
	}
	if !sameSelector(from.pods.NamespaceSelector, to.pods.NamespaceSelector) {
		e.add(from.path+"/namespaceSelector", selectorOrNil(from.pods.NamespaceSelector), selectorOrNil(to.pods.NamespaceSelector))
	}
}

// selectorOrNil returns nil for no selector, which JSON leaves out.
func selectorOrNil(s *metav1.LabelSelector) any {
	if s == nil {
		return nil
	}
	return s
}
