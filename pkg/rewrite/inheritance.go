package rewrite

import "slices"

// inheritance finds the rule of a snapshot that a live rule comes from.
type inheritance struct {
	// bindings holds the ties to nodes, by the rule in words.
	bindings map[location]*Source
	// byPlace and byComponent hold the rules of the snapshots. They are empty where no live policy asks for them.
	byPlace, byComponent map[string]*scope
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
	// inTree says that the live rule is what KubeBlocks' own rewrite made of it.
	inTree bool
}

// origin is a policy of a snapshot.
type origin struct {
	policy *Policy
	source *Source
}

// newInheritance prepares to find where the rules of live policies come from.
func newInheritance(r *renamer, live []Policy) *inheritance {
	set := &inheritance{bindings: map[location]*Source{}, byPlace: map[string]*scope{}, byComponent: map[string]*scope{}}
	anyDerived := slices.ContainsFunc(live, func(p Policy) bool { return p.Derived })
	anyPlaced := slices.ContainsFunc(live, func(p Policy) bool { return !p.Derived })
	for i := range r.sources {
		source := &r.sources[i]
		for j := range source.Policies {
			policy := &source.Policies[j]
			set.enterBindings(source, policy)
			if anyPlaced {
				enter(set.byPlace, policy.Place, r, origin{policy, source})
			}
			if anyDerived {
				enter(set.byComponent, policy.Component, r, origin{policy, source})
			}
		}
	}
	return set
}

func enter(in map[string]*scope, where string, r *renamer, o origin) {
	s := in[where]
	if s == nil {
		s = &scope{r: r}
		in[where] = s
	}
	s.origins = append(s.origins, o)
}

func (set *inheritance) enterBindings(source *Source, policy *Policy) {
	for _, b := range bindings(policy) {
		set.bindings[location{false, policy.Place, b.rule}] = source
		set.bindings[location{true, policy.Component, b.rule}] = source
	}
}

// bindingSource returns the source whose snapshot ties Pods alike where a live policy comes from, or nil.
func (set *inheritance) bindingSource(live *Policy, b binding) *Source {
	if !live.Derived {
		return set.bindings[location{false, live.Place, b.rule}]
	}
	if source := set.bindings[location{true, live.Component, b.rule}]; source != nil {
		return source
	}
	return set.bindings[location{true, clusterWide, b.rule}]
}

// scopes returns where the rules of a live policy can come from, the nearest first.
func (set *inheritance) scopes(live *Policy) []*scope {
	scopes := make([]*scope, 0, 2)
	if !live.Derived {
		scopes = append(scopes, set.byPlace[live.Place])
	} else {
		scopes = append(scopes, set.byComponent[live.Component], set.byComponent[clusterWide])
	}
	return slices.DeleteFunc(scopes, func(s *scope) bool { return s == nil })
}

// matches returns, for each rule of a live policy, the rule of a snapshot that it comes from; an empty match where it was
// not inherited. Rules that stand as in the snapshot are matched first, so that of rules which look alike after KubeBlocks'
// rewrite each is matched with its own.
func (set *inheritance) matches(live *Policy, rules []term) []match {
	found := make([]match, len(rules))
	scopes := set.scopes(live)
	if len(scopes) == 0 {
		return found
	}
	// Nearly always these are all of them, and no rule has to be looked up.
	if n := scopes[0].untouched(rules, found); n < len(rules) {
		lookUp(scopes, rules[n:], found[n:], newClaims(scopes[0].rules()[:n]))
	}
	return found
}

// lookUp finds the rules of a live policy that stand elsewhere than in the snapshot, or otherwise.
func lookUp(scopes []*scope, rules []term, found []match, c claims) {
	keys := make([]string, len(rules))
	for i, t := range rules {
		keys[i] = canonicalOf(t)
		found[i] = c.first(findIn(scopes, (*scope).exactly, keys[i]))
	}
	for i := range rules {
		if found[i].term == nil {
			found[i] = changedMatch(scopes, keys[i], c)
		}
	}
}

// changedMatch finds a rule that does not stand as in the snapshot, or that stands there once more than in the snapshot.
func changedMatch(scopes []*scope, rule string, c claims) match {
	changed := findIn(scopes, (*scope).afterwards, rule)
	if m := c.first(changed); m.term != nil {
		return m
	}
	for _, matches := range [][]match{findIn(scopes, (*scope).exactly, rule), changed} {
		if len(matches) > 0 {
			return matches[0]
		}
	}
	return match{}
}

// findIn returns the matches of a rule, by an index of the nearest scope that has any.
func findIn(scopes []*scope, by func(*scope) index, rule string) []match {
	for _, s := range scopes {
		if matches := by(s)[rule]; len(matches) > 0 {
			return matches
		}
	}
	return nil
}

// claims remembers which rules of the snapshots were matched with a rule of one live policy.
type claims struct {
	taken map[*term]bool
	// next is where to go on in a list of matches, by its first.
	next map[*match]int
}

func newClaims(taken []match) claims {
	c := claims{taken: map[*term]bool{}, next: map[*match]int{}}
	for _, m := range taken {
		c.taken[m.term] = true
	}
	return c
}

// first claims the first of the matches that is free, and returns an empty match where none is.
func (c claims) first(matches []match) match {
	if len(matches) == 0 {
		return match{}
	}
	list := &matches[0]
	for c.next[list] < len(matches) {
		m := matches[c.next[list]]
		c.next[list]++
		if !c.taken[m.term] {
			c.taken[m.term] = true
			return m
		}
	}
	return match{}
}
