package feasibility

import corev1 "k8s.io/api/core/v1"

// stage is the world with its nodes in one state: as they are, or without what passes.
type stage struct {
	world      *World
	cluster    *cluster
	topologies map[string]*topology
	// absent is the first topology whose key no node has. The others share its sets, because a tenant can name any number of keys.
	absent *topology
	// candidates are the nodes of each Pod on which no rule about other Pods keeps it from running alone.
	candidates []set
	// placeable are the Pods that have candidates. Others are left out of everything.
	placeable set
	// tied are the placeable Pods with a volume that can be mounted on some nodes only.
	tied set
	// reached holds the domains of each Pod's candidates.
	reached map[reach]set
	// nested says of two topologies whether each domain of the first is in one of the second.
	nested map[[2]*topology]bool
}

type reach struct {
	pod      int
	topology *topology
}

func newStage(w *World, nodes []corev1.Node, all []term, b *Budget) *stage {
	s := &stage{
		world: w, cluster: newCluster(nodes, b), topologies: map[string]*topology{},
		candidates: make([]set, len(w.Pods)), placeable: newSet(len(w.Pods)), reached: map[reach]set{},
		nested: map[[2]*topology]bool{},
	}
	for i := range w.Pods {
		s.candidates[i] = s.cluster.candidates(&w.Pods[i])
		b.spend(200 + len(nodes)/8)
	}
	for i := range all {
		// Whatever an affinity rule or a constraint selects, it keeps its Pod off nodes without the label. The stale rule has the
		// same key.
		if t := &all[i]; t.rule.Kind != AntiAffinity {
			s.candidates[t.pod] = s.candidates[t.pod].and(s.topology(t.rule.TopologyKey).labelled)
		}
	}
	for i := range w.Pods {
		if !s.candidates[i].empty() {
			s.placeable.add(i)
		}
	}
	s.tied = tied(w).and(s.placeable)
	return s
}

func (s *stage) topology(key string) *topology {
	t, ok := s.topologies[key]
	if !ok {
		s.cluster.budget.spend(len(s.cluster.nodes))
		t = newTopology(key, s.cluster.nodes)
		if len(t.values) == 0 {
			t = s.likeAbsent(t)
		}
		s.topologies[key] = t
	}
	return t
}

// likeAbsent returns a topology without domains, which shares the sets of the first one.
func (s *stage) likeAbsent(t *topology) *topology {
	if s.absent == nil {
		s.absent = t
		return t
	}
	shared := *s.absent
	shared.key = t.key
	return &shared
}

// reach returns the domains that a Pod can be in.
func (s *stage) reach(pod int, t *topology) set {
	key := reach{pod, t}
	domains, ok := s.reached[key]
	if !ok {
		domains = t.domains(s.candidates[pod])
		s.reached[key] = domains
	}
	return domains
}

// inside reports whether each domain of one topology is in a domain of the other. Of two alike, the first by key is.
func (s *stage) inside(fine, coarse *topology) bool {
	pair := [2]*topology{fine, coarse}
	nested, ok := s.nested[pair]
	if !ok {
		nested = fine.inside(coarse) && (!coarse.inside(fine) || fine.key < coarse.key)
		s.nested[pair] = nested
	}
	return nested
}

// eligible returns the nodes on which a constraint of a Pod counts Pods. keyed are the nodes with the labels of all constraints
// of that Pod.
func (s *stage) eligible(pod int, c *corev1.TopologySpreadConstraint, keyed set) set {
	nodes := keyed
	h := s.cluster.home(&s.world.Pods[pod])
	if c.NodeAffinityPolicy == nil || *c.NodeAffinityPolicy == corev1.NodeInclusionPolicyHonor {
		nodes = nodes.and(h.matched)
	}
	if c.NodeTaintsPolicy != nil && *c.NodeTaintsPolicy == corev1.NodeInclusionPolicyHonor {
		nodes = nodes.and(h.tolerated)
	}
	return nodes
}
