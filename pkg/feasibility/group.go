package feasibility

import "slices"

// rule is an anti-affinity rule, with all Pods that carry it.
type rule struct {
	Rule
	*topology
	carriers, takes set
}

// affinity is what all affinity rules of a Pod ask for together: the scheduler wants, for each, a Pod that meets all.
type affinity struct {
	// Rule is the first of them.
	Rule
	topologies []*topology
	peers      set
}

// spread is a constraint, with all Pods that carry it.
type spread struct {
	rule
	maxSkew  int
	eligible set
	// domains are those of the eligible nodes. The minimum over them counts as 0 where they are few, because of minDomains.
	domains set
	few     bool
}

// group is a set of Pods whose rules select Pods of the set only, both before and after the rewrite.
type group struct {
	*stage
	budget   *Budget
	pods     []int
	anti     []*rule
	spreads  []*spread
	affinity map[int]*affinity
	// uncertain are the Pods with rules about Pods of others: those may keep them from every node.
	uncertain set
	// limits are the topologies of a Pod's stale rules. Pods of the source can keep it out of some domains.
	limits map[int][]*topology
	// vague says that a stale affinity rule can be met by Pods of others as well as by the Cluster's.
	vague bool
	// due are the changed rules of a group with a tied volume. They can be refused.
	due []Rule
	// union holds on which nodes some Pods can be.
	union map[string]set
}

// split splits the placeable Pods by what their rules select.
func (s *stage) split(all []term, refused map[Rule]bool, b *Budget) []*members {
	terms := s.effective(all, refused, b)
	joined := joined(len(s.world.Pods), terms, b)
	byRoot := map[int]*members{}
	var order []*members
	for pod := range s.placeable.all() {
		root := joined.root(pod)
		if byRoot[root] == nil {
			byRoot[root] = &members{}
			order = append(order, byRoot[root])
		}
		byRoot[root].pods = append(byRoot[root].pods, pod)
	}
	for i := range terms {
		m := byRoot[joined.root(terms[i].pod)]
		m.terms = append(m.terms, terms[i])
	}
	return order
}

// members are the Pods of a group and their rules.
type members struct {
	pods  []int
	terms []term
}

// effective returns the rules as they would be: refused ones stay stale. Pods that cannot run are selected by none.
func (s *stage) effective(all []term, refused map[Rule]bool, b *Budget) []term {
	terms := make([]term, 0, len(all))
	masked := map[*uint64]set{} // Terms share what they select.
	mask := func(pods set) set {
		if masked[&pods[0]] == nil {
			masked[&pods[0]] = pods.and(s.placeable)
			b.spend(len(pods))
		}
		return masked[&pods[0]]
	}
	for _, t := range all {
		if !s.placeable.has(t.pod) {
			continue
		}
		if refused[t.rule] {
			// Where the rewritten rule selects the source's Pods alone, the stale one does not select them.
			t.refused = !t.exchanged || !t.takes.empty()
			t.takes, t.changed = t.took, false
		}
		t.took, t.takes = mask(t.took), mask(t.takes)
		terms = append(terms, t)
	}
	b.spend(10 * len(all))
	return terms
}

// joined joins Pods with those that their rules select, or selected before the rewrite: Pods that a stale rule kept waiting may be
// set free.
func joined(pods int, terms []term, b *Budget) forest {
	joined := newForest(pods)
	seen := map[*uint64]bool{}
	for i := range terms {
		for _, selected := range []set{terms[i].took, terms[i].takes} {
			if selected.empty() {
				continue
			}
			joined.join(terms[i].pod, selected.first())
			if seen[&selected[0]] {
				continue
			}
			seen[&selected[0]] = true
			for pod := range selected.all() {
				joined.join(terms[i].pod, pod)
			}
			b.spend(2 * selected.count())
		}
	}
	return joined
}

// group builds a group of its members, or nil where no rule is due.
func (s *stage) group(m *members, b *Budget) *group {
	g := &group{stage: s, budget: b, pods: m.pods, due: s.due(m), affinity: map[int]*affinity{}, union: map[string]set{}}
	g.uncertain, g.limits = newSet(len(s.world.Pods)), map[int][]*topology{}
	if len(g.due) == 0 {
		return nil
	}
	g.compile(m.terms)
	return g
}

// places returns the nodes on which Pods can be.
func (g *group) places(pods set) set {
	key := pods.key()
	if g.union[key] == nil {
		g.union[key] = newSet(len(g.cluster.nodes))
		for pod := range pods.all() {
			g.union[key].addAll(g.candidates[pod])
			g.budget.spend(len(g.candidates[pod]))
		}
	}
	return g.union[key]
}

// due returns the changed rules of a group, where a Pod of it has a tied volume.
func (s *stage) due(m *members) []Rule {
	if !slices.ContainsFunc(m.pods, s.tied.has) {
		return nil
	}
	listed := map[Rule]bool{}
	var due []Rule
	for i := range m.terms {
		if t := &m.terms[i]; t.changed && !listed[t.rule] {
			listed[t.rule] = true
			due = append(due, t.rule)
		}
	}
	return due
}

// forest joins numbers into sets that have no number in common.
type forest []int

func newForest(size int) forest {
	f := make(forest, size)
	for i := range f {
		f[i] = i
	}
	return f
}

func (f forest) root(i int) int {
	for f[i] != i {
		f[i] = f[f[i]]
		i = f[i]
	}
	return i
}

func (f forest) join(i, j int) { f[f.root(i)] = f.root(j) }
