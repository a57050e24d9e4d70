package remedy

import (
	"slices"
	"strings"

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
}

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
	refused := slices.Clone(p.Unjudged)
	if p.World == nil {
		return refused
	}
	for _, r := range feasibility.Decide(*p.World) {
		refused = append(refused, RefusedRule{Path: r.Rule.Path(), Reason: r.Reason})
	}
	return refused
}

// holds reports whether an edit is in the rule.
func (r RefusedRule) holds(e rewrite.Edit) bool {
	return e.Path == r.Path || strings.HasPrefix(e.Path, r.Path+"/")
}

// admitted separates the edits that the volumes admit from those that they refuse.
func admitted(edits []rewrite.Edit, refused []RefusedRule) (free, held []rewrite.Edit) {
	for _, edit := range edits {
		if slices.ContainsFunc(refused, func(r RefusedRule) bool { return r.holds(edit) }) {
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
	isRelaxed := func(e rewrite.Edit) bool {
		return slices.ContainsFunc(relaxed, func(path string) bool { return strings.HasPrefix(e.Path, path+"/") })
	}
	d.due = append(slices.DeleteFunc(slices.Clone(d.Live.Edits), func(e rewrite.Edit) bool {
		return slices.ContainsFunc(d.refused, func(r rewrite.Edit) bool { return r.Path == e.Path }) && !isRelaxed(e)
	}), moves...)
	d.refused = slices.DeleteFunc(d.refused, isRelaxed)
}

// isRefused reports whether the rule with that JSON Pointer is refused.
func (d *decision) isRefused(path string) bool {
	return slices.ContainsFunc(d.refusedRules, func(r RefusedRule) bool { return r.Path == path || strings.HasPrefix(r.Path, path+"/") })
}

// refusal says why rules that govern a component stay stale; it is empty where none does.
func (d *decision) refusal(governs func(rewrite.Edit) bool) string {
	var reasons []string
	for _, edit := range d.refused {
		if !governs(edit) {
			continue
		}
		for _, r := range d.refusedRules {
			if r.holds(edit) && !slices.Contains(reasons, r.Reason) {
				reasons = append(reasons, r.Reason)
			}
		}
	}
	return summarize(reasons)
}
