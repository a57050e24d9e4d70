package feasibility

import (
	"fmt"
	"slices"

	"k8s.io/utils/ptr"
)

// compiler turns the rules of single Pods into rules of the group: what several Pods carry alike is one.
type compiler struct {
	group   *group
	anti    map[string]*rule
	spreads map[string]*spread
	// keyed holds, by Pod, the nodes with the labels of all its constraints.
	keyed map[int]set
}

func newCompiler(g *group, terms []term) *compiler {
	c := &compiler{group: g, anti: map[string]*rule{}, spreads: map[string]*spread{}, keyed: map[int]set{}}
	for i := range terms {
		t := &terms[i]
		if t.spread == nil {
			continue
		}
		labelled := g.topology(t.rule.TopologyKey).labelled
		if c.keyed[t.pod] != nil {
			labelled = labelled.and(c.keyed[t.pod])
		}
		c.keyed[t.pod] = labelled
	}
	return c
}

// addAnti adds an anti-affinity rule that selects another Pod.
func (c *compiler) addAnti(t *term) {
	if t.takes.without(t.pod).empty() {
		return
	}
	key := t.key()
	if c.anti[key] == nil {
		c.anti[key] = c.rule(t)
		c.group.anti = append(c.group.anti, c.anti[key])
	}
	c.anti[key].carriers.add(t.pod)
}

// addSpread adds a constraint that counts another Pod. One that counts its own Pod alone always holds.
func (c *compiler) addSpread(t *term) {
	if t.takes.without(t.pod).empty() {
		return
	}
	eligible := c.group.eligible(t.pod, t.spread, c.keyed[t.pod])
	key := t.key() + eligible.key()
	if c.spreads[key] == nil {
		s := &spread{rule: *c.rule(t), maxSkew: int(t.spread.MaxSkew), eligible: eligible}
		s.domains = s.topology.domains(eligible)
		s.few = s.domains.count() < int(ptr.Deref(t.spread.MinDomains, 1))
		c.spreads[key] = s
		c.group.spreads = append(c.group.spreads, s)
	}
	c.spreads[key].carriers.add(t.pod)
}

func (c *compiler) rule(t *term) *rule {
	return &rule{
		Rule: t.rule, topology: c.group.topology(t.rule.TopologyKey), carriers: newSet(len(c.group.world.Pods)), takes: t.takes,
	}
}

// addAffinity adds what the affinity rules of one Pod ask for together.
func (c *compiler) addAffinity(terms []*term) {
	a := &affinity{Rule: terms[0].rule, peers: terms[0].takes}
	kept, refused := true, false
	for _, t := range terms {
		a.peers = a.peers.and(t.takes)
		kept, refused = kept && !t.changed, refused || t.refused
		if topology := c.group.topology(t.rule.TopologyKey); !slices.Contains(a.topologies, topology) {
			a.topologies = append(a.topologies, topology)
		}
	}
	if pod := terms[0].pod; kept && !c.meets(pod, a) {
		c.group.uncertain.add(pod)
	} else {
		c.group.affinity[pod] = a
		c.group.vague = c.group.vague || refused
	}
}

// meets reports whether a Pod of the Cluster can ever be near enough to a Pod for its affinity rules. The Pod itself can.
func (c *compiler) meets(pod int, a *affinity) bool {
	for peer := range a.peers.all() {
		together := peer == pod || !slices.ContainsFunc(a.topologies, func(t *topology) bool {
			return !c.group.reach(pod, t).meets(c.group.reach(peer, t))
		})
		if together {
			return true
		}
	}
	return false
}

// addForeign notes what a rule says of Pods of others. Where the rewrite is refused, those are the source's.
func (c *compiler) addForeign(t *term) {
	if t.refused {
		c.group.limits[t.pod] = append(c.group.limits[t.pod], c.group.topology(t.rule.TopologyKey))
	}
	if t.refused || !t.changed && t.takes.empty() {
		c.group.uncertain.add(t.pod)
	}
}

// key tells rules apart that differ in what they ask for.
func (t *term) key() string {
	var numbers [3]int32
	if t.spread != nil {
		numbers[0], numbers[1] = t.spread.MaxSkew, ptr.Deref(t.spread.MinDomains, 1)
	}
	numbers[2] = int32(t.rule.Index)
	return fmt.Sprint(t.rule.Policy, t.rule.Kind, t.rule.TopologyKey, numbers, t.takes.key())
}

// compile adds the rules of the group.
func (g *group) compile(terms []term) {
	c := newCompiler(g, terms)
	g.budget.spend(100 * len(terms))
	together := map[int][]*term{}
	for i := range terms {
		c.addForeign(&terms[i])
		switch t := &terms[i]; t.rule.Kind {
		case AntiAffinity:
			c.addAnti(t)
		case Spread:
			c.addSpread(t)
		default:
			together[t.pod] = append(together[t.pod], t)
		}
	}
	for _, pod := range g.pods {
		if len(together[pod]) > 0 {
			c.addAffinity(together[pod])
		}
	}
}
