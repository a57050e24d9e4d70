package feasibility

import (
	"slices"
)

// rule is an anti-affinity rule, with all Pods that carry it.
type rule struct {
	Rule
	*topology
	carriers, takes set
	// due says that the rule may do harm: it is not there without the rewrite.
	due bool
}

// affinity is what all affinity rules of a Pod ask for together: the scheduler wants, for each, a Pod that meets all.
type affinity struct {
	// Rule is the first that is due, else the first.
	Rule
	topologies []*topology
	peers      set
	due        bool
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

// group is a set of Pods whose rules select Pods of the set only.
type group struct {
	*stage
	budget   *budget
	pods     []int
	anti     []*rule
	spreads  []*spread
	affinity map[int]*affinity
	// uncertain are the Pods that need Pods of others.
	uncertain set
	// vague says that a Pod can be where the label of an affinity rule is missing. Schedulers differ in whether it counts there.
	vague bool
	// due are the changed rules that can be refused.
	due []Rule
}

// groups splits the placeable Pods by what their rules select. Groups without a rule that is due are left out.
func (s *stage) groups(all []term, refused map[Rule]bool, b *budget) []*group {
	terms := s.effective(all, refused)
	joined := newForest(len(s.world.Pods))
	for i := range terms {
		for pod := range terms[i].takes.all() {
			joined.join(terms[i].pod, pod)
		}
		b.spend(terms[i].takes.count())
	}
	byRoot := map[int]*members{}
	var order []*members
	for pod := range s.placeable.all() {
		root := joined.root(pod)
		if byRoot[root] == nil {
			byRoot[root] = &members{set: newSet(len(s.world.Pods))}
			order = append(order, byRoot[root])
		}
		byRoot[root].pods = append(byRoot[root].pods, pod)
		byRoot[root].set.add(pod)
	}
	for i := range terms {
		m := byRoot[joined.root(terms[i].pod)]
		m.terms = append(m.terms, terms[i])
	}
	var found []*group
	for _, m := range order {
		if g := s.group(m, b); g != nil {
			found = append(found, g)
		}
	}
	return found
}

// members are the Pods of a group and their rules.
type members struct {
	pods  []int
	set   set
	terms []term
}

// effective returns the rules as they would be: refused ones stay stale. Pods that cannot run are selected by none.
func (s *stage) effective(all []term, refused map[Rule]bool) []term {
	terms := make([]term, 0, len(all))
	for _, t := range all {
		if !s.placeable.has(t.pod) {
			continue
		}
		if refused[t.rule] {
			t.takes, t.changed = t.took, false
		}
		t.took, t.takes = t.took.and(s.placeable), t.takes.and(s.placeable)
		terms = append(terms, t)
	}
	return terms
}

// group builds a group of its members, or nil where no rule is due.
func (s *stage) group(m *members, b *budget) *group {
	g := &group{stage: s, budget: b, pods: m.pods, affinity: map[int]*affinity{}, uncertain: newSet(len(s.world.Pods))}
	due, loosened := s.due(m)
	for i := range m.terms {
		if t := &m.terms[i]; due[t.rule] && !slices.Contains(g.due, t.rule) {
			g.due = append(g.due, t.rule)
		}
	}
	if len(g.due) == 0 {
		return nil
	}
	// Where the rewrite takes a restriction away, Pods can be where they could not be. Then every rule may do harm.
	g.compile(m.terms, due, loosened)
	return g
}

// due returns the changed rules that concern a Pod with a tied volume, and whether one of them restricts the Cluster's Pods less
// than before.
func (s *stage) due(m *members) (due map[Rule]bool, loosened bool) {
	concerned := map[Rule]set{}
	for i := range m.terms {
		t := &m.terms[i]
		if !t.changed {
			continue
		}
		if concerned[t.rule] == nil {
			concerned[t.rule] = newSet(len(s.world.Pods))
		}
		concerned[t.rule].add(t.pod)
		concerned[t.rule] = concerned[t.rule].or(t.took).or(t.takes)
	}
	due = map[Rule]bool{}
	for r, pods := range concerned {
		due[r] = pods.meets(s.tied)
	}
	for i := range m.terms {
		loosened = loosened || due[m.terms[i].rule] && m.terms[i].loosens()
	}
	return due, loosened
}

// loosens reports whether the stale rule may keep a Pod off a node that the rewritten one leaves open, because of the Cluster's own
// Pods. More Pods selected only make anti-affinity stricter.
func (t *term) loosens() bool {
	others := t.took.without(t.pod)
	if t.rule.Kind == AntiAffinity {
		return !others.within(t.takes)
	}
	return !others.empty()
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
