package feasibility

import "slices"

// Decide returns the changed rules that must stay stale. All others may be rewritten, together: where one of them is to stay for
// another reason, give it Stale as its Rewritten rule, and decide again.
func Decide(w World) []Refusal { return DecideWithin(w, NewBudget()) }

// DecideWithin is Decide with what is left of a budget.
func DecideWithin(w World, b *Budget) []Refusal {
	d := &decision{tied: tied(&w), budget: b, refused: map[Rule]bool{}}
	if d.tied.empty() {
		return nil
	}
	if !b.spent() {
		d.terms = terms(&w, b)
	}
	if b.spent() {
		return refuseChanged(&w)
	}
	if !slices.ContainsFunc(d.terms, func(t term) bool { return t.changed }) {
		return nil
	}
	d.stages = append(d.stages, newStage(&w, w.Nodes, d.terms, b))
	if nodes := lifted(w.Nodes); nodes != nil {
		d.stages = append(d.stages, newStage(&w, nodes, d.terms, b))
	}
	if !d.settle() {
		d.refuseAll()
		return d.refusals
	}
	d.reconsider()
	return d.refusals
}

// refuseChanged refuses all changed rules. Pods of one policy have the same, so only one of them is asked.
func refuseChanged(w *World) []Refusal {
	var refusals []Refusal
	seen := map[string]bool{}
	for i := range w.Pods {
		pod := &w.Pods[i]
		if seen[pod.Policy] {
			continue
		}
		seen[pod.Policy] = true
		for _, rule := range changedRules(pod) {
			refusals = append(refusals, Refusal{Rule: rule, Unproven: true, Reason: reasonTooMuch})
		}
	}
	return refusals
}

// tied returns the Pods with a volume that can be mounted on some nodes only.
func tied(w *World) set {
	pods := newSet(len(w.Pods))
	for i := range w.Pods {
		if slices.ContainsFunc(w.Pods[i].Volumes, func(v Volume) bool { return v.tied() }) {
			pods.add(i)
		}
	}
	return pods
}

// decision is under way: rules are refused until the rest is admitted.
type decision struct {
	// tied are the Pods with a volume that can be mounted on some nodes only.
	tied     set
	terms    []term
	stages   []*stage
	budget   *Budget
	refused  map[Rule]bool
	refusals []Refusal
}

// settle refuses rules until the rest is admitted. It returns false when that would cost too much.
func (d *decision) settle() bool {
	for range maxRounds {
		refusals := len(d.refusals)
		d.round(func(c *conflict) bool { d.refuse(c.refusal()); return true })
		if d.budget.spent() {
			return false
		}
		if len(d.refusals) == refusals {
			return true
		}
	}
	return false
}

// reconsider admits what was refused because of a rule that was refused later.
func (d *decision) reconsider() {
	if len(d.refusals) < 2 || len(d.refusals) > maxReconsidered {
		return
	}
	d.refusals = slices.DeleteFunc(d.refusals, func(r Refusal) bool {
		delete(d.refused, r.Rule)
		admitted := d.round(func(*conflict) bool { return false }) && !d.budget.spent()
		if !admitted {
			d.refused[r.Rule] = true
		}
		return admitted
	})
}

// round judges all groups, with those rules stale that were refused before. It stops when a conflict is not to go on with, and
// reports whether there was none.
func (d *decision) round(goOn func(*conflict) bool) (admitted bool) {
	admitted = true
	for _, s := range d.stages {
		for _, m := range s.split(d.terms, d.refused, d.budget) {
			if d.budget.spent() {
				return false
			}
			if c := s.judge(m, d.budget); c != nil {
				admitted = false
				if !goOn(c) {
					return false
				}
			}
		}
	}
	return admitted
}

func (d *decision) refuse(r Refusal) {
	if !d.refused[r.Rule] {
		d.refused[r.Rule] = true
		d.refusals = append(d.refusals, r)
	}
}

// refuseAll refuses what is left when the work exceeds its bound. Rules of groups without a tied volume are admitted even then. The
// last stage has all groups that the others have, or larger ones.
func (d *decision) refuseAll() {
	last := d.stages[len(d.stages)-1]
	for _, m := range last.split(d.terms, d.refused, NewBudget()) {
		for _, rule := range last.due(m) {
			d.refuse(Refusal{Rule: rule, Unproven: true, Reason: reasonTooMuch})
		}
	}
}

// conflict says why a rule is refused.
type conflict struct {
	*group
	// Rule is the one to refuse. It keeps a Pod off its nodes, or the unchanged rule does that closing names.
	Rule
	closing Rule
	pod     int
	// others are the Pods in its way, or those it must be near.
	others   []int
	spread   *spread
	unproven bool
	// exchanged says that the rule selects Pods of the source instead of the Cluster's.
	exchanged bool
}

// judge returns why a rule of the members has to be refused, or nil.
func (s *stage) judge(m *members, b *Budget) *conflict {
	g := s.group(m, b)
	if g == nil {
		return nil
	}
	if c := g.exchanged(m.terms); c != nil {
		return c
	}
	p := g.prove()
	open := p.unproven()
	if len(open) == 0 {
		return nil
	}
	if c := p.taken(open[0]); c != nil {
		return c
	}
	if g.searchable() {
		found, complete := g.board().search()
		if found != nil {
			return found.conflict()
		}
		if complete {
			return nil
		}
	}
	rule := g.suspect()
	return &conflict{group: g, Rule: rule, closing: rule, pod: open[0], unproven: true}
}

// exchanged returns a rule that selects Pods of the source instead of the group's own, or nil. Those can be on any node.
func (g *group) exchanged(terms []term) *conflict {
	i := slices.IndexFunc(terms, func(t term) bool { return t.changed && t.exchanged })
	if i < 0 {
		return nil
	}
	t := &terms[i]
	return &conflict{group: g, Rule: t.rule, closing: t.rule, pod: t.pod, exchanged: true}
}

// exact reports whether the proof finds every Pod that has a node at the end of every play.
func (g *group) exact() bool {
	return len(g.spreads) == 0 && len(g.affinity) == 0 && g.uncertain.empty() &&
		!slices.ContainsFunc(g.anti, func(r *rule) bool { return r.topology != g.anti[0].topology })
}

// taken says which Pods can take all nodes of one, or nil where the proof is not exact.
func (p *proof) taken(pod int) *conflict {
	if !p.exact() {
		return nil
	}
	cover := p.cover(p.candidates[pod], p.blockers(pod))
	if cover == nil || p.budget.spent() {
		return nil
	}
	c := &conflict{group: p.group, pod: pod}
	for _, closer := range cover.closers {
		if len(closer.closes) > 0 {
			c.others = append(c.others, closer.pod)
		}
	}
	for _, r := range p.anti {
		if r.rivals(pod).has(c.others[0]) && !slices.Contains(p.due, c.closing) {
			c.closing = r.Rule
		}
	}
	c.Rule = p.refusable(c.closing)
	return c
}

// refusable returns the rule, or one that can be refused in its place.
func (g *group) refusable(r Rule) Rule {
	if slices.Contains(g.due, r) {
		return r
	}
	return g.suspect()
}

// suspect returns the rule to refuse where none is known to be in the way: of the kind that is hardest to prove.
func (g *group) suspect() Rule {
	for _, kind := range []Kind{Spread, Affinity} {
		if i := slices.IndexFunc(g.due, func(r Rule) bool { return r.Kind == kind }); i >= 0 {
			return g.due[i]
		}
	}
	return g.due[0]
}
