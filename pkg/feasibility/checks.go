package feasibility

// open returns which nodes all rules leave open to a Pod.
func (p *play) open(at position, pod int) []bool {
	open := p.each(p.candidates[p.pods[pod]].has)
	for i := range p.checks[pod] {
		c := &p.checks[pod][i]
		p.budget.spend(4 * (len(p.nodes) + len(c.pods) + len(c.topologies[0].values)))
		for j, ok := range p.check(at, c) {
			open[j] = open[j] && ok
		}
	}
	return open
}

// check returns which nodes a rule leaves open.
func (p *play) check(at position, c *check) []bool {
	switch c.Kind {
	case AntiAffinity:
		return p.apart(at, c)
	case Affinity:
		return p.near(at, c)
	default:
		return p.even(at, c)
	}
}

// placed yields the nodes of those Pods of a check that have one.
func (p *play) placed(at position, c *check) []int {
	var nodes []int
	for _, pod := range c.pods {
		if at[pod] != none {
			nodes = append(nodes, p.nodes[at[pod]])
		}
	}
	return nodes
}

func (p *play) apart(at position, c *check) []bool {
	t := c.topologies[0]
	taken := newSet(len(t.values))
	for _, node := range p.placed(at, c) {
		if t.of[node] != none {
			taken.add(t.of[node])
		}
	}
	return p.each(func(node int) bool { return t.of[node] == none || !taken.has(t.of[node]) })
}

// near is as the scheduler has it: without a peer anywhere, a Pod that meets its own rules is free.
func (p *play) near(at position, c *check) []bool {
	peers := p.placed(at, c)
	if len(peers) == 0 {
		return p.each(func(int) bool { return c.self })
	}
	return p.each(func(node int) bool {
		for _, t := range c.topologies {
			if !shares(t, node, peers) {
				return false
			}
		}
		return true
	})
}

func shares(t *topology, node int, others []int) bool {
	for _, other := range others {
		if t.of[node] != none && t.of[node] == t.of[other] {
			return true
		}
	}
	return false
}

// even is as the scheduler has it: a domain takes a Pod unless it would have more than maxSkew above the domain with the fewest.
func (p *play) even(at position, c *check) []bool {
	t := c.topologies[0]
	counts := make([]int, len(t.values))
	for _, node := range p.placed(at, c) {
		if c.spread.eligible.has(node) {
			counts[t.of[node]]++
		}
	}
	fewest := none
	for domain := range c.spread.domains.all() {
		if fewest == none || counts[domain] < fewest {
			fewest = counts[domain]
		}
	}
	if c.spread.few {
		fewest = 0
	}
	self := 0
	if c.self {
		self = 1
	}
	return p.each(func(node int) bool { return t.of[node] != none && counts[t.of[node]]+self-fewest <= c.spread.maxSkew })
}

func (p *play) each(open func(node int) bool) []bool {
	list := make([]bool, len(p.nodes))
	for i, node := range p.nodes {
		list[i] = open(node)
	}
	return list
}
