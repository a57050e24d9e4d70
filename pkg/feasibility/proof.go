package feasibility

import "slices"

// proof collects what holds at the end of every play.
type proof struct {
	*group
	// sure are the Pods that have a node at the end of every play.
	sure set
	// floors are how many of the Pods that a constraint counts are in each of its domains, at least in the one with the fewest.
	floors map[*spread]int
	// most are how many of them can be in each domain.
	most map[*spread][]int
	// open are the nodes that a constraint surely leaves open.
	open map[*spread]set
}

// prove finds the Pods that have a node at the end of every play. It may miss some.
func (g *group) prove() *proof {
	p := &proof{group: g, sure: newSet(len(g.world.Pods)), floors: map[*spread]int{}, most: map[*spread][]int{}, open: map[*spread]set{}}
	for _, s := range g.spreads {
		p.most[s] = p.countMost(s)
		p.open[s] = p.leftOpen(s)
	}
	for more := true; more && !g.budget.spent(); {
		more = false
		for _, s := range g.spreads {
			p.floors[s] = p.floor(s)
			p.open[s] = p.leftOpen(s)
		}
		for _, pod := range g.pods {
			if !p.sure.has(pod) && !g.uncertain.has(pod) && p.lasts(pod, nil) {
				p.sure.add(pod)
				more = true
			}
		}
	}
	return p
}

// unproven returns the Pods that may have no node at the end of a play, as far as the proof goes.
func (p *proof) unproven() []int {
	return slices.DeleteFunc(slices.Clone(p.pods), func(pod int) bool {
		return p.sure.has(pod) || p.uncertain.has(pod) && p.lasts(pod, nil)
	})
}

// rivals returns the Pods that must not share a domain with this one.
func (r *rule) rivals(pod int) set {
	rivals := newSet(len(r.takes) * 64)
	if r.carriers.has(pod) {
		rivals = rivals.or(r.takes)
	}
	if r.takes.has(pod) {
		rivals = rivals.or(r.carriers)
	}
	return rivals.without(pod)
}

// lasts reports whether the Pod has a node at the end of every play. The constraint that is granted, and its like, count as
// met on all nodes.
func (p *proof) lasts(pod int, granted *spread) bool {
	var open []*spread
	for _, s := range p.spreads {
		if s.carriers.has(pod) && !s.like(granted) && !p.candidates[pod].within(p.open[s]) && !slices.ContainsFunc(open, s.like) {
			open = append(open, s)
		}
	}
	if !p.budget.spend(10*len(p.spreads)) || len(open) > maxConstraints {
		return false
	}
	blockers := p.blockers(pod)
	return p.eachRest(pod, func(rest set) bool {
		return p.eachMeeting(pod, rest, func(nodes set) bool { return p.outlasts(pod, nodes, open, blockers) })
	})
}

// eachMeeting reports whether something holds for those of the nodes on which the Pod's affinity rules are met, wherever its peers
// are.
func (p *proof) eachMeeting(pod int, nodes set, holds func(nodes set) bool) bool {
	a := p.affinity[pod]
	if a == nil {
		return holds(nodes)
	}
	if peer, ok := p.surePeer(pod, a); ok {
		return p.eachPlace(a, p.candidates[peer], nodes, holds)
	}
	// Without a peer anywhere, a Pod that meets its own rules is the first, and free to choose.
	first := a.peers.has(pod) && holds(nodes)
	if _, alone := a.peers.only(); alone || !first {
		return first
	}
	return p.eachPlace(a, p.places(a.peers), nodes, holds)
}

// surePeer returns the peer with the fewest places among those that have a node at the end of every play.
func (p *proof) surePeer(pod int, a *affinity) (int, bool) {
	peers := slices.Collect(a.peers.and(p.sure).without(pod).all())
	if len(peers) == 0 {
		return 0, false
	}
	p.budget.spend(len(peers) * len(p.candidates[pod]))
	return slices.MinFunc(peers, func(i, j int) int { return p.candidates[i].count() - p.candidates[j].count() }), true
}

// eachPlace reports whether something holds for those of the nodes that are near a peer, whichever of the places it is in.
func (p *proof) eachPlace(a *affinity, places, nodes set, holds func(nodes set) bool) bool {
	for !places.empty() {
		place := places.first()
		if slices.ContainsFunc(a.topologies, func(t *topology) bool { return t.of[place] == none }) {
			return false
		}
		around := a.around(place)
		if !p.budget.spend(10*len(around)) || !holds(nodes.and(around)) {
			return false
		}
		places = places.less(around)
	}
	return true
}

// around returns the nodes in the same domains.
func (a *affinity) around(place int) set {
	nodes := a.topologies[0].nodes[a.topologies[0].of[place]]
	for _, t := range a.topologies[1:] {
		nodes = nodes.and(t.nodes[t.of[place]])
	}
	return nodes
}

// eachRest reports whether something holds for whatever nodes Pods of the source leave to a Pod with stale rules. They leave one
// domain of each at least, or the Pod does not run.
func (p *proof) eachRest(pod int, holds func(nodes set) bool) bool {
	nodes := p.candidates[pod]
	if len(p.limits[pod]) == 0 {
		return holds(nodes)
	}
	for !nodes.empty() {
		rest := nodes
		for _, t := range p.limits[pod] {
			rest = rest.and(t.around(nodes.first()))
		}
		if !p.budget.spend(10*len(rest)) || !holds(rest) {
			return false
		}
		nodes = nodes.less(rest)
	}
	return true
}

// blockers returns the Pods that anti-affinity lets close a Pod's nodes.
func (g *group) blockers(pod int) []blocker {
	var blockers []blocker
	for _, r := range g.anti {
		if rivals := r.rivals(pod); !rivals.empty() {
			blockers = append(blockers, blocker{rivals, r.topology})
		}
		g.budget.spend(4 * len(r.takes))
	}
	return blockers
}

// outlasts reports whether one of the nodes is open to the Pod at the end of every play, as far as constraints and anti-affinity
// go. It takes the constraints one by one, in the ways in which each leaves a node open.
func (p *proof) outlasts(pod int, nodes set, constraints []*spread, blockers []blocker) bool {
	if nodes.empty() || !p.budget.spend(len(nodes)) {
		return false
	}
	if len(constraints) == 0 {
		return !p.closable(nodes, blockers)
	}
	s, rest := constraints[0], constraints[1:]
	// A domain is closed only while a Pod that counts is in it, so each such Pod closes one domain at most.
	if p.outlasts(pod, nodes, rest, append(slices.Clip(blockers), blocker{s.takes.without(pod), s.topology})) {
		return true
	}
	open := nodes.and(p.open[s])
	if p.outlasts(pod, open, rest, blockers) {
		return true
	}
	if s.few {
		return false
	}
	// The domain with the fewest Pods is open, whichever it is.
	for domain := range s.domains.all() {
		if !p.outlasts(pod, open.or(nodes.and(s.nodes[domain])), rest, blockers) {
			return false
		}
	}
	return true
}
