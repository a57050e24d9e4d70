package rewrite

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// inheritance finds the rule of a snapshot that a live rule comes from.
type inheritance struct {
	// bindings holds the node bindings of the snapshots, by their description.
	bindings map[location]*Source
	// byPlace and byComponent hold the rules of the snapshots.
	byPlace, byComponent map[string]*candidates
}

// location is a rule at a place or in a component.
type location struct {
	byComponent bool
	where       string
	rule        string
}

// clusterWide is the component of the cluster's own policy.
const clusterWide = ""

// match is a rule of a snapshot that a live rule comes from.
type match struct {
	// term is nil where there is no such rule.
	*term
	origin
	// overwritten is what KubeBlocks' own rewrite made of the selector, where the live rule is the result of that; else nil.
	overwritten *metav1.LabelSelector
}

// origin is a policy of a snapshot.
type origin struct {
	policy *Policy
	source *Source
}

// newInheritance returns the index of the sources' snapshots.
func newInheritance(r *renamer) *inheritance {
	set := &inheritance{bindings: map[location]*Source{}, byPlace: map[string]*candidates{}, byComponent: map[string]*candidates{}}
	for i := range r.sources {
		source := &r.sources[i]
		for j := range source.Policies {
			policy := &source.Policies[j]
			set.addBindings(source, policy)
			addOrigin(set.byPlace, policy.Place, r, origin{policy, source})
			addOrigin(set.byComponent, policy.Component, r, origin{policy, source})
		}
	}
	return set
}

func addOrigin(to map[string]*candidates, where string, r *renamer, o origin) {
	if to[where] == nil {
		to[where] = &candidates{r: r}
	}
	to[where].origins = append(to[where].origins, o)
}

func (set *inheritance) addBindings(source *Source, policy *Policy) {
	for _, b := range bindings(policy) {
		set.bindings[location{false, policy.Place, b.rule}] = source
		set.bindings[location{true, policy.Component, b.rule}] = source
	}
}

// bindingSource returns the source that a live node binding was inherited from, or nil.
func (set *inheritance) bindingSource(live *Policy, b binding) *Source {
	if !live.Derived {
		return set.bindings[location{false, live.Place, b.rule}]
	}
	if source := set.bindings[location{true, live.Component, b.rule}]; source != nil {
		return source
	}
	return set.bindings[location{true, clusterWide, b.rule}]
}

// candidates returns where the rules of a live policy can come from, the nearest first.
func (set *inheritance) candidates(live *Policy) []*candidates {
	all := make([]*candidates, 0, 2)
	if !live.Derived {
		all = append(all, set.byPlace[live.Place])
	} else {
		all = append(all, set.byComponent[live.Component], set.byComponent[clusterWide])
	}
	return slices.DeleteFunc(all, func(c *candidates) bool { return c == nil })
}

// matches returns, for each rule of a live policy, the rule of a snapshot that it comes from; an empty match where it was
// not inherited. Rules that equal the snapshot's are matched first: others can look alike only because KubeBlocks overwrote
// them.
func (set *inheritance) matches(live *Policy, rules []term) []match {
	found := make([]match, len(rules))
	all := set.candidates(live)
	if len(all) == 0 {
		return found
	}
	// Usually these are all rules, and none needs a lookup.
	if n := all[0].untouched(rules, found); n < len(rules) {
		lookUp(all, rules[n:], found[n:], newMatched(all[0].rules()[:n]))
	}
	return found
}

// lookUp finds the rules of a live policy that changed, or whose index did.
func lookUp(all []*candidates, rules []term, found []match, done matched) {
	keys := make([]string, len(rules))
	for i, t := range rules {
		keys[i] = canonicalOf(t)
		found[i] = done.first(findIn(all, (*candidates).verbatim, keys[i]))
	}
	for i := range rules {
		if found[i].term == nil {
			found[i] = changedMatch(all, keys[i], done)
		}
	}
}

// changedMatch finds a rule that differs from the snapshot's, or that was duplicated.
func changedMatch(all []*candidates, rule string, done matched) match {
	changed := findIn(all, (*candidates).rewritten, rule)
	if m := done.first(changed); m.term != nil {
		return m
	}
	for _, matches := range [][]match{findIn(all, (*candidates).verbatim, rule), changed} {
		if len(matches) > 0 {
			return matches[0]
		}
	}
	return match{}
}

// findIn returns the matches of a rule in an index of the nearest candidates that have any.
func findIn(all []*candidates, by func(*candidates) index, rule string) []match {
	for _, c := range all {
		if matches := by(c)[rule]; len(matches) > 0 {
			return matches
		}
	}
	return nil
}

// matched remembers which rules of the snapshots were matched with a rule of one live policy.
type matched struct {
	rules map[*term]bool
	// next is the index to continue at in a list of matches, by its first element.
	next map[*match]int
}

func newMatched(by []match) matched {
	done := matched{rules: map[*term]bool{}, next: map[*match]int{}}
	for _, m := range by {
		done.rules[m.term] = true
	}
	return done
}

// first takes the first of the matches that is free, and returns an empty match where none is.
func (d matched) first(matches []match) match {
	if len(matches) == 0 {
		return match{}
	}
	list := &matches[0]
	for d.next[list] < len(matches) {
		m := matches[d.next[list]]
		d.next[list]++
		if !d.rules[m.term] {
			d.rules[m.term] = true
			return m
		}
	}
	return match{}
}
