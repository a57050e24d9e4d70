package feasibility

import (
	"iter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Domain is a value of a topology key.
type Domain struct{ Key, Value string }

// Occupancy answers which domains the volumes of a World are in. All answers share one budget and what was found out before.
type Occupancy struct {
	world   *World
	cluster *cluster
	budget  *Budget
	// nodes holds the nodes that are left to a Pod, domains its only domain of a key.
	nodes   map[*Pod]set
	domains map[podKey]string
}

type podKey struct {
	pod *Pod
	key string
}

// NewOccupancy returns the Occupancy of a World, which must not change any more.
func NewOccupancy(w *World, b *Budget) *Occupancy {
	return &Occupancy{world: w, cluster: newCluster(w.Nodes, b), budget: b, nodes: map[*Pod]set{}, domains: map[podKey]string{}}
}

// Occupied returns the domains that required anti-affinity closes to a Pod with these rules: in each of them is a volume of a
// database Pod that a term selects. Pods that do not count are left out, such as those that have the rules themselves. Where the
// budget does not suffice, ok is false: any domain can be occupied then.
func (o *Occupancy) Occupied(r Rules, counts func(*Pod) bool) (occupied []Domain, ok bool) {
	terms := required(&r, AntiAffinity)
	if len(terms) == 0 {
		return nil, true
	}
	known := map[Domain]bool{}
	for i := range terms {
		term := &terms[i]
		if !o.world.ranges(term) {
			continue
		}
		for pod := range o.selected(term.LabelSelector, counts) {
			domain := Domain{term.TopologyKey, o.domainOf(pod, term.TopologyKey)}
			if domain.Value != "" && !known[domain] {
				known[domain] = true
				occupied = append(occupied, domain)
			}
		}
		if o.budget.spent() {
			return nil, false
		}
	}
	return occupied, true
}

// selected yields the Pods that count and that a selector selects, until the budget is spent.
func (o *Occupancy) selected(s *metav1.LabelSelector, counts func(*Pod) bool) iter.Seq[*Pod] {
	return func(yield func(*Pod) bool) {
		steps := selectorSteps(s)
		if !o.budget.spend(20 * steps) {
			return
		}
		selector, err := metav1.LabelSelectorAsSelector(s)
		if err != nil {
			return
		}
		for i := range o.world.Pods {
			pod := &o.world.Pods[i]
			if !o.budget.spend(2) {
				return
			}
			if counts(pod) && o.budget.spend(5+steps) && selector.Matches(labels.Set(pod.Labels)) && !yield(pod) {
				return
			}
		}
	}
}

// domainOf returns the only domain of a key that is left to a Pod by its volumes, cordons and taints, or by its volumes alone where the
// others leave none. It is empty where there are several domains, or none.
func (o *Occupancy) domainOf(p *Pod, key string) string {
	domain, ok := o.domains[podKey{p, key}]
	if !ok {
		domain = o.onlyDomain(o.nodesOf(p), key)
		o.domains[podKey{p, key}] = domain
	}
	return domain
}

// onlyDomain returns the domain of a key that the nodes are in, or nothing where they are in several or in none.
func (o *Occupancy) onlyDomain(nodes set, key string) string {
	var domain string
	for i := range nodes.all() {
		value, ok := o.cluster.nodes[i].Labels[key]
		if !o.budget.spend(1) || ok && domain != "" && value != domain {
			return ""
		}
		if ok {
			domain = value
		}
	}
	return domain
}

func (o *Occupancy) nodesOf(p *Pod) set {
	nodes, ok := o.nodes[p]
	if !ok {
		o.budget.spend(200 + len(o.cluster.nodes)/4)
		if nodes = o.cluster.candidates(p); nodes.empty() {
			nodes = o.mountable(p.Volumes)
		}
		o.nodes[p] = nodes
	}
	return nodes
}

// mountable returns the nodes on which all volumes can be mounted.
func (o *Occupancy) mountable(volumes []Volume) set {
	nodes := fullSet(len(o.cluster.nodes))
	for i := range volumes {
		nodes = o.cluster.mountable(&volumes[i], nodes)
	}
	return nodes
}

// Free reports whether a node on which the volumes can be mounted is in none of the domains.
func (o *Occupancy) Free(occupied []Domain, volumes []Volume) bool {
	return o.free(occupied, o.mountable(volumes))
}

// FreeFor reports whether a node that the Pod's volumes and rules about nodes admit is in none of the domains. It does not ask for cordons and
// taints, which can pass.
func (o *Occupancy) FreeFor(p *Pod, occupied []Domain) bool {
	return o.free(occupied, o.mountable(p.Volumes).and(o.cluster.home(p).matched))
}

func (o *Occupancy) free(occupied []Domain, nodes set) bool {
	closed := map[string]map[string]bool{}
	for _, d := range occupied {
		if closed[d.Key] == nil {
			closed[d.Key] = map[string]bool{}
		}
		closed[d.Key][d.Value] = true
	}
	o.budget.spend(len(occupied) + len(o.cluster.nodes)*(1+len(closed)))
	for i := range nodes.all() {
		if !isIn(o.cluster.nodes[i].Labels, closed) {
			return true
		}
	}
	return false
}

// isIn reports whether a node with these labels is in one of the domains.
func isIn(nodeLabels map[string]string, domains map[string]map[string]bool) bool {
	for key, values := range domains {
		if value, ok := nodeLabels[key]; ok && values[value] {
			return true
		}
	}
	return false
}
