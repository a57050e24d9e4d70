package feasibility

import (
	"encoding/binary"
	"slices"
)

// play searches all plays for one that harms.
type play struct {
	*board
	budget *Budget
	seen   map[string]bool
	// renamed and taken are memory of canonical.
	renamed, taken []int
}

// position holds the node of each Pod by their places on the board, or none.
type position []int

// harm is the end of a play that harms.
type harm struct {
	*play
	position
	// pod is one without a node, by its place on the board.
	pod int
}

// search returns a play that harms, or nil. The search is not complete where it would cost too much, or knows too little.
func (b *board) search() (found *harm, complete bool) {
	granted := min(maxSearch, b.budget.left)
	p := &play{
		board: b, budget: &Budget{granted}, seen: map[string]bool{},
		renamed: make([]int, len(b.nodes)), taken: make([]int, len(b.first)),
	}
	found = p.from(slices.Repeat(position{none}, len(b.pods)))
	b.budget.spend(granted - p.budget.left)
	return found, !b.unclear() && !p.budget.spent()
}

// unclear reports whether plays depend on more than the board shows: on what Pods of the source leave to one with a stale rule, or on
// whether a Pod counts where the label of an affinity rule is missing, which differs among schedulers.
func (b *board) unclear() bool {
	return b.vague || slices.ContainsFunc(b.pods, func(pod int) bool {
		for _, t := range b.limits[pod] {
			if !b.candidates[pod].within(t.around(b.candidates[pod].first())) {
				return true
			}
		}
		a := b.affinity[pod]
		return a != nil && slices.ContainsFunc(a.topologies, func(t *topology) bool { return !b.places(a.peers).within(t.labelled) })
	})
}

// from returns the first play from here on that harms.
func (p *play) from(at position) *harm {
	p.canonicalize(at)
	key := at.key()
	if p.seen[key] || !p.budget.spend(20*len(at)) {
		return nil
	}
	p.seen[key] = true
	moves, stuck := p.moves(at)
	if stuck != nil && !slices.ContainsFunc(moves, func(m move) bool { return !p.uncertain.has(p.pods[m.pod]) }) {
		return stuck
	}
	for _, m := range moves {
		next := slices.Clone(at)
		next[m.pod] = m.node
		if found := p.from(next); found != nil {
			return found
		}
	}
	return nil
}

type move struct{ pod, node int }

// moves lists what the scheduler can do, and a Pod that finds no node, if there is one.
func (p *play) moves(at position) (moves []move, stuck *harm) {
	for pod := range at {
		if at[pod] != none {
			continue
		}
		nodes := p.distinct(at, p.open(at, pod))
		for _, node := range nodes {
			moves = append(moves, move{pod, node})
		}
		if len(nodes) == 0 && stuck == nil {
			stuck = &harm{p, at, pod}
		}
	}
	return moves, stuck
}

// distinct returns the nodes that are open, and of the empty ones in a class only the first.
func (p *play) distinct(at position, open []bool) []int {
	var nodes []int
	emptyClass := none
	for node, ok := range open {
		if !ok {
			continue
		}
		if !slices.Contains(at, node) {
			if p.class[node] == emptyClass {
				continue
			}
			emptyClass = p.class[node]
		}
		nodes = append(nodes, node)
	}
	return nodes
}

// canonicalize numbers the nodes of each class in the order of the Pods on them. On which of two like nodes a Pod is makes no
// difference.
func (p *play) canonicalize(at position) {
	p.budget.spend(len(p.nodes)/4 + 4*len(at))
	for i := range p.renamed {
		p.renamed[i] = none
	}
	clear(p.taken)
	for pod, node := range at {
		if node == none {
			continue
		}
		if p.renamed[node] == none {
			class := p.class[node]
			p.renamed[node] = p.first[class] + p.taken[class]
			p.taken[class]++
		}
		at[pod] = p.renamed[node]
	}
}

func (at position) key() string {
	key := make([]byte, 0, 2*len(at))
	for _, node := range at {
		key = binary.AppendVarint(key, int64(node))
	}
	return string(key)
}

// conflict says which rule keeps the Pod without a node, and which Pods are in the way: of the rules that can be refused, where there
// are any, the one that closes most nodes.
func (h *harm) conflict() *conflict {
	c := &conflict{group: h.group, pod: h.pods[h.pod]}
	most := 0
	for i := range h.checks[h.pod] {
		check := &h.checks[h.pod][i]
		closed := h.closed(check)
		if closed > 0 && slices.Contains(h.due, check.Rule) {
			closed += len(h.nodes)
		}
		if closed > most {
			most = closed
			c.closing, c.spread, c.others = check.Rule, check.spread, h.inTheWay(check)
		}
	}
	c.Rule = c.refusable(c.closing)
	return c
}

// closed returns how many of the Pod's nodes a check closes.
func (h *harm) closed(c *check) int {
	n := 0
	for node, open := range h.check(h.position, c) {
		if !open && h.candidates[h.pods[h.pod]].has(h.nodes[node]) {
			n++
		}
	}
	return n
}

// inTheWay returns the Pods that a check is about and that have a node: where the Pod can be, or for affinity anywhere.
func (h *harm) inTheWay(check *check) []int {
	var pods []int
	domains := h.reach(h.pods[h.pod], check.topologies[0])
	for _, place := range check.pods {
		if h.position[place] == none {
			continue
		}
		domain := check.topologies[0].of[h.nodes[h.position[place]]]
		if check.Kind == Affinity || domain != none && domains.has(domain) {
			pods = append(pods, h.pods[place])
		}
	}
	return pods
}
