package feasibility

// Opinions returns, for each group of the world with nothing refused, whether the proof admits it, and whether the search finds a
// play that harms; complete is false where the search gave up.
func Opinions(w World) (list []Opinion) {
	b := NewBudget()
	all := terms(&w, b)
	s := newStage(&w, w.Nodes, all, b)
	for _, m := range s.split(all, nil, b) {
		if g := s.group(m, b); g != nil {
			proven := len(g.prove().unproven()) == 0
			harm, complete := g.board().search()
			list = append(list, Opinion{Proven: proven, Harm: harm != nil, Complete: complete})
		}
	}
	return list
}

// Opinion is what proof and search make of one group.
type Opinion struct{ Proven, Harm, Complete bool }

// SpentBudget returns a Budget with nothing left.
func SpentBudget() *Budget { return &Budget{-1} }
