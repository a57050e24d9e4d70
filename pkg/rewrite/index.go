package rewrite

// index finds rules by where they stand and what they say. Several can look alike after KubeBlocks' rewrite.
type index struct {
	byPlace, byComponent map[string][]match
	matches              []match
	key                  canonical // scratch
}

func newIndex(size int) *index {
	return &index{
		byPlace:     make(map[string][]match, size),
		byComponent: make(map[string][]match, size),
		matches:     make([]match, 0, size),
	}
}

// enter enters a match under a rule, at its place and in its component.
func (i *index) enter(m match, rule term) {
	i.matches = append(i.matches, m)
	alone := i.matches[len(i.matches)-1:]
	for _, at := range []struct {
		index map[string][]match
		where string
	}{{i.byPlace, m.policy.Place}, {i.byComponent, m.policy.Component}} {
		i.key = i.key[:0].str(at.where).term(rule)
		if others, ok := at.index[string(i.key)]; ok {
			at.index[string(i.key)] = append(others[:len(others):len(others)], m)
		} else {
			at.index[string(i.key)] = alone
		}
	}
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
