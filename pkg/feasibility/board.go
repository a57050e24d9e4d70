package feasibility

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// board is a group reduced to what a play can tell apart. Of nodes that are alike to all rules, it has one more than there are
// Pods where a rule is about single nodes, so that one of them stays empty; else it has one.
type board struct {
	*group
	// pods are those of the group, those with the most nodes first: they are the ones that take nodes from others.
	pods []int
	// nodes are those of the board, class is each one's class. The nodes of one class stand together, and begin at first.
	nodes, class, first []int
	topologies          []*topology
	checks              [][]check
}

// check is what one rule asks of one Pod.
type check struct {
	Rule
	// pods are, by their place on the board, those that the Pod must keep away from, be with, or that count.
	pods []int
	// topologies has one key, for affinity one or more.
	topologies []*topology
	// spread is the constraint of a spread rule, self whether the Pod counts, too.
	spread *spread
	self   bool
}

// searchable reports whether a search can end. Its first step alone compares each Pod with all that the Pod's rules are about, and a
// board lists them.
func (g *group) searchable() bool {
	pairs := 0
	for _, r := range g.anti {
		pairs += r.carriers.count() * r.takes.count()
	}
	for _, s := range g.spreads {
		pairs += s.carriers.count() * s.takes.count()
	}
	for _, a := range g.affinity {
		pairs += a.peers.count()
	}
	return 4*pairs <= maxSearch
}

func (g *group) board() *board {
	b := &board{group: g, pods: slices.Clone(g.pods), topologies: g.used()}
	slices.SortStableFunc(b.pods, func(p, q int) int { return cmp.Compare(g.candidates[q].count(), g.candidates[p].count()) })
	b.addNodes()
	place := make(map[int]int, len(b.pods))
	for i, pod := range b.pods {
		place[pod] = i
	}
	b.checks = make([][]check, len(b.pods))
	for i, pod := range b.pods {
		b.checks[i] = g.checks(pod, place)
		g.budget.spend(len(b.checks[i]) * len(b.pods))
	}
	return b
}

// addNodes picks the nodes, those first that the most Pods can take.
func (b *board) addNodes() {
	classes := map[string][]int{}
	var order []string
	for node := range b.cluster.nodes {
		key, wanted := b.signature(node)
		if !wanted {
			continue
		}
		if classes[key] == nil {
			order = append(order, key)
		}
		classes[key] = append(classes[key], node)
	}
	slices.SortStableFunc(order, func(k, l string) int { return cmp.Compare(b.suitors(classes[l][0]), b.suitors(classes[k][0])) })
	alike := 1
	if slices.ContainsFunc(b.topologies, func(t *topology) bool { return t.fine }) {
		alike = len(b.pods) + 1
	}
	for i, key := range order {
		b.first = append(b.first, len(b.nodes))
		for _, node := range classes[key][:min(alike, len(classes[key]))] {
			b.nodes, b.class = append(b.nodes, node), append(b.class, i)
		}
	}
}

// suitors returns how many Pods can take a node.
func (b *board) suitors(node int) int {
	n := 0
	for _, pod := range b.pods {
		if b.candidates[pod].has(node) {
			n++
		}
	}
	return n
}

// signature returns all that the rules can tell of a node, less its name. It is not wanted when no Pod and no constraint is about it.
func (b *board) signature(node int) (key string, wanted bool) {
	var s []byte
	for _, pod := range b.pods {
		s, wanted = addBit(s, b.candidates[pod].has(node), wanted)
	}
	for _, constraint := range b.spreads {
		s, wanted = addBit(s, constraint.eligible.has(node), wanted)
	}
	for _, t := range b.topologies {
		domain := t.of[node]
		if t.fine && domain != none {
			domain = 0
		}
		s = binary.AppendVarint(s, int64(domain))
	}
	b.budget.spend(20 + 2*len(s))
	return string(s), wanted
}

func addBit(s []byte, bit, wanted bool) ([]byte, bool) {
	if bit {
		return append(s, 1), true
	}
	return append(s, 0), wanted
}

// used returns the topologies of the group's rules.
func (g *group) used() []*topology {
	var used []*topology
	add := func(t *topology) {
		if !slices.Contains(used, t) {
			used = append(used, t)
		}
	}
	for _, r := range g.anti {
		add(r.topology)
	}
	for _, s := range g.spreads {
		add(s.topology)
	}
	for _, pod := range g.pods {
		if a := g.affinity[pod]; a != nil {
			for _, t := range a.topologies {
				add(t)
			}
		}
	}
	return used
}

// checks lists what the rules of the group ask of a Pod.
func (g *group) checks(pod int, place map[int]int) []check {
	var checks []check
	places := func(pods set) []int {
		var list []int
		for other := range pods.all() {
			list = append(list, place[other])
		}
		return list
	}
	for _, r := range g.anti {
		if rivals := r.rivals(pod); !rivals.empty() {
			checks = append(checks, check{Rule: r.Rule, pods: places(rivals), topologies: []*topology{r.topology}})
		}
	}
	for _, s := range g.spreads {
		if s.carriers.has(pod) {
			checks = append(checks, check{
				Rule: s.Rule, pods: places(s.takes), topologies: []*topology{s.topology}, spread: s, self: s.takes.has(pod),
			})
		}
	}
	if a := g.affinity[pod]; a != nil {
		checks = append(checks, check{Rule: a.Rule, pods: places(a.peers), topologies: a.topologies, self: a.peers.has(pod)})
	}
	return checks
}
