package rewrite

// Held returns the policies of the snapshots at the places of live policies, limited to rules that the live policy has, too: as they
// stand in the snapshot, or rewritten. They have the paths of the live policies. Rules about nodes are left out.
func (r *Rewriter) Held(live []Policy) []Policy {
	if len(r.renamer.sources) == 0 {
		return nil
	}
	r.index()
	var held []Policy
	for i := range live {
		p := &live[i]
		rules := map[string]bool{}
		for _, m := range r.inherited.matches(p, terms(p)) {
			if m.term != nil {
				rules[canonicalOf(*m.term)] = true
			}
		}
		for _, c := range r.inherited.candidates(p) {
			for _, o := range c.origins {
				held = append(held, o.policy.only(p.Path, func(t term) bool { return rules[canonicalOf(t)] }))
			}
		}
	}
	return held
}
