package feasibility

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
)

// Domain is a value of a topology key.
type Domain struct{ Key, Value string }

// Occupied returns the domains that required anti-affinity closes to a Pod with these rules: in each of them is a volume of a
// database Pod that a term selects. Pods that do not count are left out, such as those that have the rules themselves.
func (w *World) Occupied(r Rules, counts func(*Pod) bool) []Domain {
	if r.Affinity == nil || r.Affinity.PodAntiAffinity == nil {
		return nil
	}
	var occupied []Domain
	c := newCluster(w.Nodes)
	for _, term := range r.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
		selector, err := metav1.LabelSelectorAsSelector(term.LabelSelector)
		if err != nil || len(term.Namespaces) > 0 && !slices.Contains(term.Namespaces, w.Namespace) {
			continue
		}
		for i := range w.Pods {
			pod := &w.Pods[i]
			if !counts(pod) || !selector.Matches(labels.Set(pod.Labels)) {
				continue
			}
			if value := c.domainOf(pod, term.TopologyKey); value != "" && !slices.Contains(occupied, Domain{term.TopologyKey, value}) {
				occupied = append(occupied, Domain{term.TopologyKey, value})
			}
		}
	}
	return occupied
}

// domainOf returns the only domain of a key that is left to a Pod by its volumes, cordons and taints, or by its volumes alone where the
// others leave none. It is empty where there are several domains, or none.
func (c *cluster) domainOf(p *Pod, key string) string {
	nodes := c.candidates(p)
	if nodes.empty() {
		nodes = fullSet(len(c.nodes))
		for i := range p.Volumes {
			nodes = c.mountable(&p.Volumes[i], nodes)
		}
	}
	var domain string
	for i := range nodes.all() {
		value, ok := c.nodes[i].Labels[key]
		if ok && domain != "" && value != domain {
			return ""
		}
		if ok {
			domain = value
		}
	}
	return domain
}

// mountable reports whether the volume can be mounted on a node.
func (v *Volume) mountable(node *corev1.Node) bool {
	if v.Node != "" && v.Node != node.Name {
		return false
	}
	if v.NodeAffinity == nil || v.NodeAffinity.Required == nil {
		return true
	}
	selector, err := nodeaffinity.NewNodeSelector(v.NodeAffinity.Required)
	return err == nil && selector.Match(node)
}

// Free reports whether a node on which the volumes can be mounted is in none of the domains.
func (w *World) Free(occupied []Domain, volumes []Volume) bool {
	return slices.ContainsFunc(w.Nodes, func(n corev1.Node) bool {
		return !slices.ContainsFunc(volumes, func(v Volume) bool { return !v.mountable(&n) }) && !slices.ContainsFunc(occupied, func(d Domain) bool { return n.Labels[d.Key] == d.Value })
	})
}
