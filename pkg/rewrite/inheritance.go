package rewrite

// inheritance finds the rule of a snapshot that a live rule comes from.
type inheritance struct {
	r   renamer
	all []*origin
	// bindings holds the ties to nodes, by the rule in words.
	bindings map[location]*Source
	// exact holds the rules as they stand in the snapshots.
	exact index
	// changed holds the rules as they look after a rewrite, by this package or by KubeBlocks. It is made when the first
	// rule is not found in exact: for a cluster that nobody has touched, never.
	changed index
}

// index finds rules by where they stand and what they say. Several rules can look alike after KubeBlocks' rewrite.
type index map[location][]*origin

// location is a rule, in canonical form, at a place or in a component.
type location struct {
	byComponent bool
	where       string
	rule        string
}

// clusterWide is the component of the cluster's own policy.
const clusterWide = ""

// origin is a rule of a snapshot.
type origin struct {
	term
	policy *Policy
	source *Source
	// inTree says that the live rule that was looked up is what KubeBlocks made of this one.
	inTree bool
}

func newInheritance(r renamer) *inheritance {
	set := &inheritance{r: r, bindings: map[location]*Source{}, exact: index{}}
	for i := range r.sources {
		source := &r.sources[i]
		for j := range source.Policies {
			policy := &source.Policies[j]
			set.enterBindings(source, policy)
			for _, t := range terms(policy) {
				o := &origin{term: t, policy: policy, source: source}
				set.all = append(set.all, o)
				set.exact.enter(o, canonicalOf(t))
			}
		}
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

func (i index) enter(o *origin, rule string) {
	place, component := location{false, o.policy.Place, rule}, location{true, o.policy.Component, rule}
	i[place] = append(i[place], o)
	i[component] = append(i[component], o)
}

// find returns the rules that a live policy can have under one canonical form.
func (i index) find(live *Policy, rule string) []*origin {
	if !live.Derived {
		return i[location{false, live.Place, rule}]
	}
	if origins := i[location{true, live.Component, rule}]; len(origins) > 0 {
		return origins
	}
	return i[location{true, clusterWide, rule}]
}

// origins returns the rules of the snapshots that a live rule can come from; none where it was not inherited.
func (set *inheritance) origins(live *Policy, t term) []*origin {
	rule := canonicalOf(t)
	if origins := set.exact.find(live, rule); len(origins) > 0 {
		return origins
	}
	if set.changed == nil {
		set.indexChanged()
	}
	return set.changed.find(live, rule)
}

// indexChanged enters what the rules of the snapshots become: by this rewrite, without and with consent to scope, and by
// KubeBlocks' own. Where the two agree, KubeBlocks' rewrite lost nothing.
func (set *inheritance) indexChanged() {
	set.changed = index{}
	for _, o := range set.all {
		entered := set.enterRewritten(o)
		selector, ok := set.r.inTree(o.selector)
		if !ok {
			continue
		}
		changed := *o
		changed.inTree = true
		t := o.term
		t.selector = selector
		if rule := canonicalOf(t); !entered[rule] {
			set.changed.enter(&changed, rule)
		}
	}
}

func (set *inheritance) enterRewritten(o *origin) map[string]bool {
	entered := map[string]bool{}
	for _, scoped := range []bool{false, true} {
		t, ok := set.r.retarget(o.term, scoped)
		if !ok {
			continue
		}
		if rule := canonicalOf(t); !entered[rule] {
			entered[rule] = true
			set.changed.enter(o, rule)
		}
	}
	return entered
}
