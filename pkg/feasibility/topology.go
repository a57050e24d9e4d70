package feasibility

import corev1 "k8s.io/api/core/v1"

// topology is a topology key's domains.
type topology struct {
	key string
	// of holds the domain of each node, and none for a node without the label.
	of []int
	// values are the domains' names, nodes their nodes.
	values []string
	nodes  []set
	// labelled are the nodes that have the label, unlabelled those that do not.
	labelled, unlabelled set
	// fine says that no domain has two nodes.
	fine bool
}

const none = -1

func newTopology(key string, nodes []corev1.Node) *topology {
	t := &topology{key: key, of: make([]int, len(nodes)), labelled: newSet(len(nodes)), fine: true}
	known := map[string]int{}
	for i := range nodes {
		value, ok := nodes[i].Labels[key]
		if !ok {
			t.of[i] = none
			continue
		}
		domain, old := known[value]
		if !old {
			domain = len(t.values)
			known[value] = domain
			t.values = append(t.values, value)
			t.nodes = append(t.nodes, newSet(len(nodes)))
		}
		t.of[i] = domain
		t.nodes[domain].add(i)
		t.labelled.add(i)
		t.fine = t.fine && !old
	}
	t.unlabelled = fullSet(len(nodes)).less(t.labelled)
	return t
}

// around returns the nodes in the domain of one, or all that are in none.
func (t *topology) around(node int) set {
	if t.of[node] != none {
		return t.nodes[t.of[node]]
	}
	return t.unlabelled
}

// domains returns the domains of some nodes.
func (t *topology) domains(nodes set) set {
	found := newSet(len(t.values))
	for i := range nodes.all() {
		if t.of[i] != none {
			found.add(t.of[i])
		}
	}
	return found
}

func (t *topology) inside(coarse *topology) bool {
	for _, nodes := range t.nodes {
		within := coarse.of[nodes.first()]
		if within == none || !nodes.within(coarse.nodes[within]) {
			return false
		}
	}
	return true
}
