package remedy

import (
	"slices"
	"strings"

	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Placement is where the volumes of the database are bound.
type Placement struct {
	World *feasibility.World
	// Unjudged are rules whose effect World cannot show.
	Unjudged []RefusedRule
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
