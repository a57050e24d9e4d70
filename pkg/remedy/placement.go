package remedy

import (
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Placement is where the volumes of the database are bound.
type Placement struct {
	// World is nil where no volume of a known Pod is bound.
	World *feasibility.World
	// Unjudged are rules whose effect World cannot show.
	Unjudged []RefusedRule
	// Rewritten are the policies of the Cluster with all due edits applied.
	Rewritten []rewrite.Policy

	// A proof can take two seconds, and a plan is made twice, the second time while all other Clusters wait.
	prove    sync.Once
	refusals []RefusedRule
	groups   map[string]int
	steps    int
}

// Steps returns what the proof has cost, in steps of [feasibility.Budget]: nothing while no decision has needed it.
func (p *Placement) Steps() int { return p.steps }

// RefusedRule is a rule that stays stale, because rewritten it could leave a database Pod no node.
type RefusedRule struct {
	// Path is the JSON Pointer of the rule in the Cluster, or of an edit in it.
	Path string
	// Reason is a sentence for people, without a full stop.
	Reason string
}

// refused returns the rules that the volumes do not admit when they are rewritten. A restore whose volumes are free refuses none.
func (p *Placement) refused() []RefusedRule {
	if p == nil {
		return nil
	}
	p.proven()
	return slices.Concat(p.Unjudged, p.refusals)
}

// group returns the number of the group in which the rule of an edit was proven; false if it was not proven with others.
func (p *Placement) group(e rewrite.Edit) (int, bool) {
	if p == nil {
		return 0, false
	}
	p.proven()
	for path := range withParents(e.Path) {
		if group, ok := p.groups[path]; ok {
			return group, true
		}
	}
	return 0, false
}

// proven makes the proof, once.
func (p *Placement) proven() {
	p.prove.Do(func() {
		if p.World == nil {
			return
		}
		budget := feasibility.NewBudget()
		for _, r := range feasibility.DecideWithin(*p.World, budget) {
			p.refusals = append(p.refusals, RefusedRule{Path: r.Rule.Path(), Reason: r.Reason})
		}
		p.groups = feasibility.Groups(*p.World, budget)
		p.steps = budget.Steps()
	})
}

// refusedPaths are refused rules by their paths. There can be as many of them as edits, so that no edit is compared with each.
type refusedPaths struct {
	reasons map[string][]string
	// parents are the paths of the rules, and those above them.
	parents map[string]bool
}

func newRefusedPaths(rules []RefusedRule) refusedPaths {
	r := refusedPaths{map[string][]string{}, map[string]bool{}}
	for _, rule := range rules {
		r.reasons[rule.Path] = append(r.reasons[rule.Path], rule.Reason)
		for path := range withParents(rule.Path) {
			r.parents[path] = true
		}
	}
	return r
}

// of yields why an edit is refused: the reasons of the rules that it is in.
func (r refusedPaths) of(e rewrite.Edit) iter.Seq[string] {
	return func(yield func(string) bool) {
		for path := range withParents(e.Path) {
			for _, reason := range r.reasons[path] {
				if !yield(reason) {
					return
				}
			}
		}
	}
}

// reasonsOf lists why edits are refused, without the reasons that are known, and makes them known.
func (r refusedPaths) reasonsOf(edits []rewrite.Edit, known map[string]bool) []string {
	var reasons []string
	for _, e := range edits {
		for reason := range r.of(e) {
			if !known[reason] {
				known[reason] = true
				reasons = append(reasons, reason)
			}
		}
	}
	return reasons
}

// refuses reports whether an edit is in a refused rule.
func (r refusedPaths) refuses(e rewrite.Edit) bool {
	for range r.of(e) {
		return true
	}
	return false
}

// withParents yields a JSON Pointer and those above it.
func withParents(path string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := len(path); i > 0; i = strings.LastIndexByte(path[:i], '/') {
			if !yield(path[:i]) {
				return
			}
		}
	}
}

// admitted separates the edits that the volumes admit from those that they refuse.
func admitted(edits []rewrite.Edit, r refusedPaths) (free, held []rewrite.Edit) {
	for _, edit := range edits {
		if r.refuses(edit) {
			held = append(held, edit)
		} else {
			free = append(free, edit)
		}
	}
	return free, held
}

// prefer makes those refused edits due whose rules become preferred ones in the same write. The edits that move rules stand behind
// those of leaves. A rule that cannot become preferred stays refused.
func (d *decision) prefer() {
	if len(d.refused) == 0 || !d.AllowPreferredRules {
		return
	}
	var moves []rewrite.Edit
	var relaxed []string
	target := rewrite.Identity{Namespace: d.Cluster.Namespace, Name: d.Cluster.Name, UID: d.Cluster.UID}
	for i := range d.Placement.Rewritten {
		p := &d.Placement.Rewritten[i]
		edits, paths := rewrite.RelaxOnly(p, target, d.isRefused)
		for _, edit := range edits {
			edit.Component, edit.Template = p.Component, p.Template
			moves = append(moves, edit)
		}
		relaxed = append(relaxed, paths...)
	}
	relaxedRules := map[string]bool{}
	for _, path := range relaxed {
		relaxedRules[path] = true
	}
	isRelaxed := func(e rewrite.Edit) bool {
		for path := range withParents(e.Path) {
			if relaxedRules[path] {
				return true
			}
		}
		return false
	}
	isRefused := map[string]bool{}
	for _, edit := range d.refused {
		isRefused[edit.Path] = true
	}
	d.due = append(slices.DeleteFunc(slices.Clone(d.Live.Edits), func(e rewrite.Edit) bool {
		return isRefused[e.Path] && !isRelaxed(e)
	}), moves...)
	d.refused = slices.DeleteFunc(d.refused, isRelaxed)
}

// isRefused reports whether the rule with that JSON Pointer is refused, or an edit in it.
func (d *decision) isRefused(path string) bool { return d.refusedPaths.parents[path] }

// refusal says why rules that govern a component stay stale; it is empty where none does.
func (d *decision) refusal(component string) string {
	if component == "" || d.Overriding[component] {
		return summarize(d.reasons[component])
	}
	return summarize(d.reasons[""], d.reasons[component])
}

// anyRefusal says why any rules stay stale; it is empty where none does.
func (d *decision) anyRefusal() string {
	return summarize(d.refusedPaths.reasonsOf(d.refused, map[string]bool{}))
}

// refusedReasons lists why rules of each component are refused, and by the empty name those of the whole Cluster. What a component's list
// shares with that of the Cluster, if it governs the component, is left out.
func (d *decision) refusedReasons() map[string][]string {
	edits := map[string][]rewrite.Edit{}
	for _, e := range d.refused {
		edits[e.Component] = append(edits[e.Component], e)
	}
	ofCluster := map[string]bool{}
	reasons := map[string][]string{"": d.refusedPaths.reasonsOf(edits[""], ofCluster)}
	delete(edits, "")
	for component, own := range edits {
		reasons[component] = d.refusedPaths.reasonsOf(own, map[string]bool{})
		if !d.Overriding[component] {
			reasons[component] = slices.DeleteFunc(reasons[component], func(reason string) bool { return ofCluster[reason] })
		}
	}
	return reasons
}
