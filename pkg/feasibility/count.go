package feasibility

// like reports whether two constraints ask the same of their Pods.
func (s *spread) like(other *spread) bool {
	if other == nil || s == other {
		return other != nil
	}
	return s.topology == other.topology && s.maxSkew == other.maxSkew && s.few == other.few &&
		s.takes.equal(other.takes) && s.eligible.equal(other.eligible)
}

// countMost returns how many of the Pods that a constraint counts can be in each domain.
func (p *proof) countMost(s *spread) []int {
	most := make([]int, len(s.values))
	for pod := range s.takes.all() {
		for domain := range p.reach(pod, s.topology).all() {
			most[domain]++
			p.budget.spend(1)
		}
		p.budget.spend(len(most) / 16)
	}
	return most
}

// floor returns how many Pods each domain of a constraint has, at least, at the end of every play.
//
// Of the Pods that can be in one domain alone, those count that surely have a node, and those that only this constraint can keep
// waiting: in the domain with the fewest Pods it keeps nobody waiting. So that domain has all of them.
func (p *proof) floor(s *spread) int {
	if s.few {
		return 0
	}
	fixed := make([]int, len(s.values))
	for pod := range s.takes.all() {
		domain, ok := p.reach(pod, s.topology).only()
		if !ok || p.uncertain.has(pod) || !p.candidates[pod].within(s.eligible) {
			continue
		}
		if p.sure.has(pod) || p.lasts(pod, s) {
			fixed[domain]++
		}
	}
	least := none
	for domain := range s.domains.all() {
		if least == none || fixed[domain] < least {
			least = fixed[domain]
		}
	}
	return max(least, 0)
}

// leftOpen returns the nodes that a constraint leaves open, to Pods without a node, at the end of every play.
func (p *proof) leftOpen(s *spread) set {
	nodes := newSet(len(p.cluster.nodes))
	for domain, most := range p.most[s] {
		// A Pod without a node may be one of those that the domain can have at most; then it is not there, but would be.
		if most-p.floors[s] <= s.maxSkew {
			nodes.addAll(s.nodes[domain])
			p.budget.spend(len(nodes))
		}
	}
	return nodes
}
