package rewrite

// index finds rules by where they stand and what they say. Several can look alike after KubeBlocks' rewrite.
type index struct {
	// byPlace and byComponent are nil where no live policy asks for them.
	byPlace, byComponent map[string][]match
	matches              []match
	key                  canonical // scratch
}

func (set *inheritance) newIndex(size int) *index {
	i := &index{matches: make([]match, 0, size)}
	if set.placed {
		i.byPlace = make(map[string][]match, size)
	}
	if set.derived {
		i.byComponent = make(map[string][]match, size)
	}
	return i
}

// enter enters a match under a rule, at its place and in its component.
func (i *index) enter(m match, rule term) {
	i.matches = append(i.matches, m)
	n := len(i.matches)
	alone := i.matches[n-1 : n : n]
	i.enterAt(i.byPlace, m.policy.Place, alone, rule)
	i.enterAt(i.byComponent, m.policy.Component, alone, rule)
}

func (i *index) enterAt(in map[string][]match, where string, alone []match, rule term) {
	if in == nil {
		return
	}
	i.key = i.key[:0].str(where).term(rule)
	if others, ok := in[string(i.key)]; ok {
		alone = append(others, alone...)
	}
	in[string(i.key)] = alone
}

// find returns the matches that a live policy can have under a rule.
func (i *index) find(live *Policy, rule term) []match {
	if !live.Derived {
		return i.at(i.byPlace, live.Place, rule)
	}
	if matches := i.at(i.byComponent, live.Component, rule); len(matches) > 0 {
		return matches
	}
	return i.at(i.byComponent, clusterWide, rule)
}

func (i *index) at(in map[string][]match, where string, rule term) []match {
	i.key = i.key[:0].str(where).term(rule)
	return in[string(i.key)]
}
