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
}

// prove finds the Pods that have a node at the end of every play. It may miss some.
func (g *group) prove() *proof {
	p := &proof{group: g, sure: newSet(len(g.world.Pods)), floors: map[*spread]int{}, most: map[*spread][]int{}}
	for _, s := range g.spreads {
		p.most[s] = p.countMost(s)
	}
	for more := true; more && !g.budget.spent(); {
		more = false
		for _, s := range g.spreads {
			p.floors[s] = p.floor(s)
		}
		for _, pod := range g.pods {
			if !p.sure.has(pod) && !g.uncertain.has(pod) && p.places(pod, nil) {
				p.sure.add(pod)
				more = true
			}
		}
	}
	return p
}

// unproven returns the Pods that the rules in question can harm, as far as the proof goes.
func (p *proof) unproven() []int {
	return slices.DeleteFunc(slices.Clone(p.pods), func(pod int) bool {
		return p.sure.has(pod) || !p.mayClose(pod) || p.uncertain.has(pod) && p.places(pod, nil)
	})
}

// mayClose reports whether a due rule can keep a Pod off one of its nodes.
func (p *proof) mayClose(pod int) bool {
	if a := p.affinity[pod]; a != nil && a.due {
		return true
	}
	if slices.ContainsFunc(p.spreads, func(s *spread) bool {
		return s.due && s.carriers.has(pod) && !p.candidates[pod].within(p.open(pod, s))
	}) {
		return true
	}
	return slices.ContainsFunc(p.anti, func(r *rule) bool {
		return r.due && slices.ContainsFunc(p.members(r.rivals(pod)), func(rival int) bool {
			return p.reach(pod, r.topology).meets(p.reach(rival, r.topology))
		})
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

func (p *proof) members(pods set) []int { return slices.Collect(pods.all()) }

// places reports whether the Pod has a node at the end of every play. The constraint that is granted, and its like, count as
// met on all nodes.
func (p *proof) places(pod int, granted *spread) bool {
	var open []*spread
	for _, s := range p.spreads {
		if s.carriers.has(pod) && !s.like(granted) && !p.candidates[pod].within(p.open(pod, s)) {
			open = append(open, s)
		}
	}
	return p.eachMeeting(pod, func(nodes set) bool { return p.outlasts(pod, nodes, open, p.blockers(pod)) })
}

// eachMeeting reports whether something holds for the nodes on which the Pod's affinity rules can be met, wherever its peers are.
func (p *proof) eachMeeting(pod int, holds func(nodes set) bool) bool {
	a := p.affinity[pod]
	if a == nil {
		return holds(p.candidates[pod])
	}
	if peer, ok := p.surePeer(pod, a); ok {
		return p.eachPlace(pod, a, peer, holds)
	}
	if !a.peers.has(pod) {
		return false
	}
	// Without a peer anywhere, a Pod that meets its own rules is the first, and free to choose.
	if !holds(p.candidates[pod]) {
		return false
	}
	for peer := range a.peers.without(pod).all() {
		if !p.eachPlace(pod, a, peer, holds) {
			return false
		}
	}
	return true
}

// surePeer returns the peer with the fewest places among those that have a node at the end of every play.
func (p *proof) surePeer(pod int, a *affinity) (int, bool) {
	peers := p.members(a.peers.and(p.sure).without(pod))
	if len(peers) == 0 {
		return 0, false
	}
	return slices.MinFunc(peers, func(i, j int) int { return p.candidates[i].count() - p.candidates[j].count() }), true
}

// eachPlace reports whether something holds for the nodes near each place that a peer can be in.
func (p *proof) eachPlace(pod int, a *affinity, peer int, holds func(nodes set) bool) bool {
	seen := map[string]bool{}
	for node := range p.candidates[peer].all() {
		if !p.budget.spend(len(p.candidates[pod])) {
			return false
		}
		near := p.candidates[pod]
		for _, t := range a.topologies {
			if t.of[node] == none {
				return false
			}
			near = near.and(t.nodes[t.of[node]])
		}
		if key := near.key(); !seen[key] {
			seen[key] = true
			if !holds(near) {
				return false
			}
		}
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
	open := nodes.and(p.open(pod, s))
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
