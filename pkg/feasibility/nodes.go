package feasibility

import (
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	v1helper "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2" //nolint:depguard // a helper of Kubernetes takes a logger; its zero value logs nothing
)

// silent is the logger that a helper of Kubernetes wants. Its zero value logs nothing.
var silent klog.Logger

// cluster answers which nodes a Pod can be on, were it alone.
type cluster struct {
	nodes  []corev1.Node
	byName map[string]int
	// byLabel holds the nodes of each value of the labels that were asked for.
	byLabel map[string]map[string]set
	// homes holds what was found out of one node selector, affinity and tolerations, homeOf the same by Pod, mounts of a volume's
	// affinity.
	homes  map[string]home
	homeOf map[*Pod]home
	mounts map[string]set
	budget *Budget
}

// home is what the Pod's own spec says of nodes.
type home struct {
	// matched are the nodes that node selector and node affinity take, tolerated those whose taints the Pod tolerates.
	matched, tolerated set
	// cordoned are those that take no Pod of this kind.
	cordoned set
}

func newCluster(nodes []corev1.Node, b *Budget) *cluster {
	c := &cluster{
		nodes: nodes, byName: map[string]int{}, byLabel: map[string]map[string]set{},
		homes: map[string]home{}, homeOf: map[*Pod]home{}, mounts: map[string]set{}, budget: b,
	}
	for i := range nodes {
		c.byName[nodes[i].Name] = i
	}
	return c
}

// candidates returns the nodes that the Pod could be on, were it alone.
func (c *cluster) candidates(p *Pod) set {
	h := c.home(p)
	nodes := newSet(len(c.nodes))
	for i := range h.matched.and(h.tolerated).all() {
		if !h.cordoned.has(i) {
			nodes.add(i)
		}
	}
	for i := range p.Volumes {
		nodes = c.mountable(&p.Volumes[i], nodes)
	}
	return nodes
}

// home returns the Pod's home. Without budget that is every node: what is not known closes none.
func (c *cluster) home(p *Pod) home {
	h, ok := c.homeOf[p]
	switch {
	case ok:
		return h
	case c.budget.spent():
		return c.anyHome()
	}
	h = c.sharedHome(p)
	c.homeOf[p] = h
	return h
}

// sharedHome returns the home that equal Pods share.
func (c *cluster) sharedHome(p *Pod) home {
	var affinity *corev1.NodeAffinity
	if p.Rewritten.Affinity != nil {
		affinity = p.Rewritten.Affinity.NodeAffinity
	}
	key, err := json.Marshal([]any{p.NodeSelector, affinity, p.Tolerations})
	c.budget.spend(len(key) / 8)
	h, ok := c.homes[string(key)]
	if err == nil && ok {
		return h
	}
	if !c.budget.spend(len(c.nodes) * homeSteps(p, affinity)) {
		return c.anyHome()
	}
	h = c.findHome(p)
	c.homes[string(key)] = h
	return h
}

// anyHome is every node.
func (c *cluster) anyHome() home {
	return home{fullSet(len(c.nodes)), fullSet(len(c.nodes)), newSet(len(c.nodes))}
}

func (c *cluster) findHome(p *Pod) home {
	h := home{newSet(len(c.nodes)), newSet(len(c.nodes)), newSet(len(c.nodes))}
	affinity := nodeaffinity.NewRequiredNodeAffinity(p.NodeSelector, p.Rewritten.Affinity)
	cordon := &corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	for i := range c.nodes {
		node := &c.nodes[i]
		if matched, err := affinity.Match(node); err == nil && matched {
			h.matched.add(i)
		}
		if _, refused := v1helper.FindMatchingUntoleratedTaint(silent, node.Spec.Taints, p.Tolerations, keepsOut, true); !refused {
			h.tolerated.add(i)
		}
		if node.Spec.Unschedulable && !v1helper.TolerationsTolerateTaint(silent, p.Tolerations, cordon, true) {
			h.cordoned.add(i)
		}
	}
	return h
}

// keepsOut reports whether a taint keeps Pods from being scheduled.
func keepsOut(t *corev1.Taint) bool {
	return t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute
}

// mountable returns those of the nodes on which the volume can be mounted.
func (c *cluster) mountable(v *Volume, nodes set) set {
	if v.Node != "" {
		selected := newSet(len(c.nodes))
		if i, ok := c.byName[v.Node]; ok {
			selected.add(i)
		}
		nodes = nodes.and(selected)
	}
	if v.NodeAffinity == nil || v.NodeAffinity.Required == nil {
		return nodes
	}
	return nodes.and(c.accessible(v.NodeAffinity.Required))
}

// accessible returns the nodes that a volume's affinity takes.
func (c *cluster) accessible(required *corev1.NodeSelector) set {
	key := required.String()
	if nodes, ok := c.mounts[key]; ok {
		return nodes
	}
	affinity := nodeaffinity.NewLazyErrorNodeSelector(required)
	nodes := newSet(len(c.nodes))
	for i := range c.narrow(required).all() {
		if matched, err := affinity.Match(&c.nodes[i]); err == nil && matched {
			nodes.add(i)
		}
	}
	c.mounts[key] = nodes
	return nodes
}

// narrow returns nodes among which are all that the selector matches. Most volumes name the value of a label, which an index
// answers at once.
func (c *cluster) narrow(s *corev1.NodeSelector) set {
	nodes := newSet(len(c.nodes))
	for i := range s.NodeSelectorTerms {
		found := c.labelled(s.NodeSelectorTerms[i].MatchExpressions)
		if found == nil {
			return fullSet(len(c.nodes))
		}
		nodes = nodes.or(found)
	}
	return nodes
}

// labelled returns the nodes that the first requirement of values takes, or nil where there is none.
func (c *cluster) labelled(requirements []corev1.NodeSelectorRequirement) set {
	for _, r := range requirements {
		if r.Operator != corev1.NodeSelectorOpIn {
			continue
		}
		nodes := newSet(len(c.nodes))
		for _, value := range r.Values {
			if found, ok := c.index(r.Key)[value]; ok {
				nodes = nodes.or(found)
			}
		}
		return nodes
	}
	return nil
}

func (c *cluster) index(key string) map[string]set {
	if index, ok := c.byLabel[key]; ok {
		return index
	}
	index := map[string]set{}
	for i := range c.nodes {
		value, ok := c.nodes[i].Labels[key]
		if !ok {
			continue
		}
		if index[value] == nil {
			index[value] = newSet(len(c.nodes))
		}
		index[value].add(i)
	}
	c.byLabel[key] = index
	return index
}

// passes reports whether Kubernetes itself sets and removes a taint.
func passes(t corev1.Taint) bool {
	return strings.HasPrefix(t.Key, "node.kubernetes.io/") || strings.HasPrefix(t.Key, "node.cloudprovider.kubernetes.io/")
}

// lifted returns the nodes without what passes: cordons, and taints that Kubernetes sets. It is nil where nothing does.
func lifted(nodes []corev1.Node) []corev1.Node {
	all := make([]corev1.Node, len(nodes))
	changed := false
	for i := range nodes {
		all[i] = nodes[i]
		all[i].Spec.Unschedulable = false
		all[i].Spec.Taints = slices.DeleteFunc(slices.Clone(nodes[i].Spec.Taints), passes)
		changed = changed || nodes[i].Spec.Unschedulable || len(all[i].Spec.Taints) < len(nodes[i].Spec.Taints)
	}
	if !changed {
		return nil
	}
	return all
}
