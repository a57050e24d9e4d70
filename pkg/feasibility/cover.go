package feasibility

import (
	"encoding/binary"
	"slices"
)

// blocker says that each of the Pods closes the domain that it is in.
type blocker struct {
	pods set
	*topology
}

// cell is a set of nodes that are alike to all blockers. It holds their domains, by blocker.
type cell []int

// closer is a Pod that can close cells.
type closer struct {
	pod int
	// by are the blockers that it is one of.
	by []int
	// limit is how many cells it can close, and closes are those that it does.
	limit  int
	closes []int
}

// cover is the question whether Pods can take places so that all cells are closed at the same time.
type cover struct {
	*group
	blockers []blocker
	cells    []cell
	closers  []*closer
}

// closable reports whether the Pods of blockers can close all nodes at the same time.
func (g *group) closable(nodes set, blockers []blocker) bool {
	return g.cover(nodes, blockers) != nil
}

// cover returns how the Pods of blockers can close all nodes at the same time, or nil. It is a matching of cells to Pods: exact
// where all blockers have one topology key. With several, a Pod may close more in it than it can in truth.
func (g *group) cover(nodes set, blockers []blocker) *cover {
	c := &cover{group: g, blockers: g.distinct(blockers)}
	if !c.addCells(nodes) {
		return nil
	}
	c.addClosers()
	limit := 0
	for _, closer := range c.closers {
		limit += closer.limit
	}
	if limit < len(c.cells) {
		return nil
	}
	for i := range c.cells {
		if g.budget.spend(2*len(c.closers)) && !c.close(i, make([]bool, len(c.closers))) {
			return nil
		}
	}
	return c
}

// distinct returns blockers that say nothing twice: a Pod that closes its zone need not close its node, too.
func (g *group) distinct(blockers []blocker) []blocker {
	var merged []blocker
	for _, b := range blockers {
		i := slices.IndexFunc(merged, func(other blocker) bool { return other.topology == b.topology })
		if i < 0 {
			merged = append(merged, b)
			continue
		}
		merged[i].pods = merged[i].pods.or(b.pods)
	}
	for i := range merged {
		for j := range merged {
			if i != j && g.inside(merged[i].topology, merged[j].topology) {
				merged[i].pods = merged[i].pods.less(merged[j].pods)
			}
		}
	}
	return merged
}

// addCells splits the nodes. It returns false for a node that is in no domain: nothing closes it.
func (c *cover) addCells(nodes set) bool {
	seen := map[string]bool{}
	c.budget.spend(5 * nodes.count() * (len(c.blockers) + 1))
	for node := range nodes.all() {
		here := make(cell, len(c.blockers))
		var key []byte
		for i, b := range c.blockers {
			here[i] = b.of[node]
			key = binary.AppendVarint(key, int64(here[i]))
		}
		if !slices.ContainsFunc(here, func(domain int) bool { return domain != none }) {
			return false
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			c.cells = append(c.cells, here)
		}
	}
	return true
}

func (c *cover) addClosers() {
	byPod := map[int]*closer{}
	for i, b := range c.blockers {
		sizes := make([]int, len(b.values))
		for _, cell := range c.cells {
			if cell[i] != none {
				sizes[cell[i]]++
			}
		}
		for pod := range b.pods.all() {
			if byPod[pod] == nil {
				byPod[pod] = &closer{pod: pod}
				c.closers = append(c.closers, byPod[pod])
			}
			byPod[pod].limit += c.largest(pod, b, sizes)
			byPod[pod].by = append(byPod[pod].by, i)
		}
	}
	c.closers = slices.DeleteFunc(c.closers, func(c *closer) bool { return c.limit == 0 })
}

// largest returns how many cells the Pod can close as one of the blocker's.
func (c *cover) largest(pod int, b blocker, sizes []int) int {
	most := 0
	for domain := range c.reach(pod, b.topology).all() {
		most = max(most, sizes[domain])
	}
	c.budget.spend(len(sizes)/16 + 10)
	return most
}

// close finds a Pod that closes one more cell, where need be by giving another of its cells to another Pod.
func (c *cover) close(cell int, tried []bool) bool {
	for i, closer := range c.closers {
		if tried[i] || !c.canClose(closer, cell) {
			continue
		}
		tried[i] = true
		c.budget.spend(10)
		if len(closer.closes) < closer.limit {
			closer.closes = append(closer.closes, cell)
			return true
		}
		for j, other := range closer.closes {
			if c.close(other, tried) {
				closer.closes[j] = cell
				return true
			}
		}
	}
	return false
}

func (c *cover) canClose(closer *closer, cell int) bool {
	return slices.ContainsFunc(closer.by, func(i int) bool {
		domain := c.cells[cell][i]
		return domain != none && c.reach(closer.pod, c.blockers[i].topology).has(domain)
	})
}
