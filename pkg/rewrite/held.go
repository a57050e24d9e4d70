package rewrite

// Held returns the policies of the snapshots at the places of live policies, limited to rules that the live policy has, too: as they
// stand in the snapshot, or rewritten. A rule that KubeBlocks overwrote is returned as the live policy has it. They have the paths of
// the live policies. Rules about nodes are left out.
func (r *Rewriter) Held(live []Policy) []Policy {
	if len(r.renamer.sources) == 0 {
		return nil
	}
	r.index()
	var held []Policy
	for i := range live {
		p := &live[i]
		rules, overwritten := map[string]bool{}, map[string]bool{}
		live := terms(p)
		for k, m := range r.inherited.matches(p, live) {
			switch {
			case m.term == nil:
			case m.overwritten != nil:
				overwritten[canonicalOf(live[k])] = true
			default:
				rules[canonicalOf(*m.term)] = true
			}
		}
		if len(overwritten) > 0 {
			held = append(held, p.only(p.Path, func(t term) bool { return overwritten[canonicalOf(t)] }))
		}
		for _, c := range r.inherited.candidates(p) {
			for _, o := range c.origins {
				held = append(held, o.policy.only(p.Path, func(t term) bool { return rules[canonicalOf(t)] }))
			}
		}
	}
	return held
}
