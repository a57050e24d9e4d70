package feasibility

import (
	"encoding/binary"
	"slices"
)

// play searches all plays for one that harms.
type play struct {
	*board
	seen map[string]bool
	left budget
}

// position holds the node of each Pod by their places on the board, or none.
type position []int

// harm is the end of a play that harms.
type harm struct {
	*play
	position
	// pod is one without a node, by its place on the board; on node it is kept off by rules that are due alone.
	pod, node int
}

// search returns a play that harms, or nil; it is not complete where the search cost too much.
func (b *board) search() (found *harm, complete bool) {
	if b.vague {
		return nil, false
	}
	granted := min(maxSearch, b.budget.left)
	p := &play{board: b, seen: map[string]bool{}, left: budget{granted}}
	start := make(position, len(b.pods))
	for i := range start {
		start[i] = none
	}
	found = p.from(start)
	b.budget.spend(granted - p.left.left)
	return found, found != nil || !p.left.spent()
}

// from returns the first play from here on that harms.
func (p *play) from(at position) *harm {
	at = p.canonical(at)
	key := at.key()
	if p.seen[key] || p.left.spent() {
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

// moves lists what the scheduler can do, and a Pod that cannot be scheduled because of a rule that is due, if there is one.
func (p *play) moves(at position) (moves []move, stuck *harm) {
	for pod := range at {
		if at[pod] != none {
			continue
		}
		marks := p.marks(at, pod)
		open := p.openNodes(at, marks)
		for _, node := range open {
			moves = append(moves, move{pod, node})
		}
		if node := slices.Index(marks, closedByDue); len(open) == 0 && node >= 0 && stuck == nil {
			stuck = &harm{p, at, pod, node}
		}
	}
	return moves, stuck
}

// openNodes returns the nodes that are open, and of those in one class that are empty the first.
func (p *play) openNodes(at position, marks []mark) []int {
	var open []int
	emptyClass := none
	for node, m := range marks {
		if m != opened {
			continue
		}
		if !slices.Contains(at, node) {
			if p.class[node] == emptyClass {
				continue
			}
			emptyClass = p.class[node]
		}
		open = append(open, node)
	}
	return open
}

// canonical numbers the nodes of each class in the order of the Pods on them: which of two like nodes a Pod is on is all one.
func (p *play) canonical(at position) position {
	renamed := make([]int, len(p.nodes))
	for i := range renamed {
		renamed[i] = none
	}
	next := map[int]int{}
	renaming := slices.Clone(at)
	for pod, node := range at {
		if node == none {
			continue
		}
		if renamed[node] == none {
			class := p.class[node]
			renamed[node] = slices.Index(p.class, class) + next[class]
			next[class]++
		}
		renaming[pod] = renamed[node]
	}
	return renaming
}

func (at position) key() string {
	var key []byte
	for _, node := range at {
		key = binary.AppendVarint(key, int64(node))
	}
	return string(key)
}

// conflict says which rule that is due keeps the Pod without a node, and which Pods are in the way.
func (h *harm) conflict() *conflict {
	c := &conflict{group: h.board.group, pod: h.pods[h.pod]}
	for i := range h.checks[h.pod] {
		check := &h.checks[h.pod][i]
		if check.due && !h.check(h.position, check)[h.node] {
			c.closing, c.spread = check.Rule, check.spread
			c.others = h.inTheWay(check)
			break
		}
	}
	c.Rule = c.refusable(c.closing)
	return c
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
