package rewrite

import "slices"

// inheritance finds the rule of a snapshot that a live rule comes from.
type inheritance struct {
	r   renamer
	all []origin
	// bindings holds the ties to nodes, by the rule in words.
	bindings map[location]*Source
	// placed and derived say which kinds of live policies there are.
	placed, derived bool
	// exact holds the rules as they stand in the snapshots.
	exact *index
	// changed holds the rules as they look after a rewrite, by this package or by KubeBlocks. It is made when the first
	// rule is not found in exact: for a cluster that nobody has touched, never.
	changed *index
}

// location is a rule at a place or in a component.
type location struct {
	byComponent bool
	where       string
	rule        string
}

func countAll(sources []Source) int {
	n := 0
	for i := range sources {
		for j := range sources[i].Policies {
			n += countTerms(&sources[i].Policies[j])
		}
	}
	return n
}

// clusterWide is the component of the cluster's own policy.
const clusterWide = ""

// origin is a rule of a snapshot.
type origin struct {
	term
	policy *Policy
	source *Source
}

// match is a rule of a snapshot that a live rule comes from.
type match struct {
	*origin
	// inTree says that the live rule is what KubeBlocks' own rewrite made of it.
	inTree bool
}

// newInheritance prepares to find where the rules of live policies come from.
func newInheritance(r renamer, live []Policy) *inheritance {
	set := &inheritance{r: r, bindings: map[location]*Source{}, all: make([]origin, 0, countAll(r.sources))}
	for i := range r.sources {
		source := &r.sources[i]
		for j := range source.Policies {
			policy := &source.Policies[j]
			set.enterBindings(source, policy)
			for _, t := range terms(policy) {
				set.all = append(set.all, origin{term: t, policy: policy, source: source})
			}
		}
	}
	set.placed = slices.ContainsFunc(live, func(p Policy) bool { return !p.Derived })
	set.derived = slices.ContainsFunc(live, func(p Policy) bool { return p.Derived })
	set.exact = set.newIndex(len(set.all))
	for i := range set.all {
		set.exact.enter(match{origin: &set.all[i]}, set.all[i].term)
	}
	return set
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

// matches returns, for each rule of a live policy, the rule of a snapshot that it comes from; an empty match where it was
// not inherited. Rules that stand as in the snapshot are matched first, so that of rules which look alike after KubeBlocks'
// rewrite each is matched with its own.
func (set *inheritance) matches(live *Policy, rules []term) []match {
	found := make([]match, len(rules))
	claims := claims{taken: map[*origin]bool{}, next: map[*origin]int{}}
	missing := 0
	for i, t := range rules {
		if found[i] = claims.first(set.exact.find(live, t)); found[i].origin == nil {
			missing++
		}
	}
	if missing == 0 {
		return found
	}
	if set.changed == nil {
		set.indexChanged()
	}
	for i, t := range rules {
		if found[i].origin == nil {
			found[i] = set.changedMatch(live, t, claims)
		}
	}
	return found
}

// changedMatch finds a rule that does not stand as in the snapshot, or that stands there once more than in the snapshot.
func (set *inheritance) changedMatch(live *Policy, t term, claims claims) match {
	if m := claims.first(set.changed.find(live, t)); m.origin != nil {
		return m
	}
	for _, in := range []*index{set.exact, set.changed} {
		if matches := in.find(live, t); len(matches) > 0 {
			return matches[0]
		}
	}
	return match{}
}

// claims remembers which rules of the snapshots were matched with a rule of one live policy.
type claims struct {
	taken map[*origin]bool
	// next is where to go on in a list of matches, by its first.
	next map[*origin]int
}

// first claims the first of the matches that is free, and returns an empty match where none is.
func (c claims) first(matches []match) match {
	if len(matches) == 0 {
		return match{}
	}
	list := matches[0].origin
	for c.next[list] < len(matches) {
		m := matches[c.next[list]]
		c.next[list]++
		if !c.taken[m.origin] {
			c.taken[m.origin] = true
			return m
		}
	}
	return match{}
}

// indexChanged enters what the rules of the snapshots become: by this rewrite, without and with consent to scope, and by
// KubeBlocks' own. Where the two agree, KubeBlocks' rewrite lost nothing.
func (set *inheritance) indexChanged() {
	set.changed = set.newIndex(2 * len(set.all))
	for i := range set.all {
		o := &set.all[i]
		entered := set.enterRewritten(o)
		t := o.term
		var ok bool
		if t.selector, ok = set.r.inTree(o.selector); ok && !entered[canonicalOf(t)] {
			set.changed.enter(match{origin: o, inTree: true}, t)
		}
	}
}

func (set *inheritance) enterRewritten(o *origin) map[string]bool {
	entered := map[string]bool{}
	for _, scoped := range []bool{false, true} {
		t, ok := set.r.retarget(o.term, scoped)
		if rule := canonicalOf(t); ok && !entered[rule] {
			entered[rule] = true
			set.changed.enter(match{origin: o}, t)
		}
	}
	return entered
}
