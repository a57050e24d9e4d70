package feasibility_test

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apilabels "k8s.io/apimachinery/pkg/labels"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

// oracle plays every order and every choice of the scheduler, one Pod and one node at a time. It is written from the scheduler's
// documentation, and shares no code with the package. It knows Pods in one namespace.
type oracle struct {
	world feasibility.World
	// homes are the nodes on which each Pod can be, as far as the other Pods do not matter.
	homes [][]bool
	rules []oracleRules
	seen  map[string]bool
	// ends are the placements in which no Pod without a node finds one.
	ends []placement
}

// placement holds the node of each Pod, or nowhere.
type placement []int8

const nowhere = -1

// oracleRules are the rules of one Pod.
type oracleRules struct{ apart, near, even []oracleRule }

type oracleRule struct {
	key   string
	takes []bool
	// counts says, of a constraint, on which nodes Pods count.
	counts         []bool
	skew, domains  int
	takesEverybody bool
}

// canRun reports whether a Pod can be on a node, were no other Pod there.
func canRun(p *feasibility.Pod, node *corev1.Node) bool {
	if node.Spec.Unschedulable || !wants(p, node) || !tolerates(p, node) {
		return false
	}
	for _, v := range p.Volumes {
		if v.Node != "" && v.Node != node.Name {
			return false
		}
		if v.NodeAffinity != nil {
			r := v.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0]
			if !slices.Contains(r.Values, node.Labels[r.Key]) {
				return false
			}
		}
	}
	return true
}

func wants(p *feasibility.Pod, node *corev1.Node) bool {
	for key, value := range p.NodeSelector {
		if node.Labels[key] != value {
			return false
		}
	}
	return true
}

func tolerates(p *feasibility.Pod, node *corev1.Node) bool {
	return !slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool {
		return !slices.ContainsFunc(p.Tolerations, func(l corev1.Toleration) bool { return l.Key == t.Key })
	})
}

// add gives a Pod a rule.
func (o *oracle) add(pod int, kind feasibility.Kind, rule any) {
	switch r := rule.(type) {
	case corev1.PodAffinityTerm:
		parsed := oracleRule{key: r.TopologyKey, takes: takes(o.world.Pods, pod, r.LabelSelector, r.MatchLabelKeys)}
		if kind == feasibility.AntiAffinity {
			o.rules[pod].apart = append(o.rules[pod].apart, parsed)
		} else {
			o.rules[pod].near = append(o.rules[pod].near, parsed)
		}
	case corev1.TopologySpreadConstraint:
		o.rules[pod].even = append(o.rules[pod].even, oracleRule{
			key: r.TopologyKey, takes: takes(o.world.Pods, pod, r.LabelSelector, r.MatchLabelKeys),
			counts: o.counting(&o.world.Pods[pod], &r), skew: int(r.MaxSkew), domains: int(deref(r.MinDomains)),
			takesEverybody: len(r.LabelSelector.MatchLabels)+len(r.LabelSelector.MatchExpressions)+len(r.MatchLabelKeys) == 0,
		})
	}
}

func deref(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}

// takes returns which Pods a rule of one selects.
func takes(pods []feasibility.Pod, carrier int, s *metav1.LabelSelector, keys []string) []bool {
	parsed, err := metav1.LabelSelectorAsSelector(s)
	taken := make([]bool, len(pods))
	for i := range pods {
		taken[i] = err == nil && parsed.Matches(apilabels.Set(pods[i].Labels))
		for _, key := range keys {
			taken[i] = taken[i] && pods[i].Labels[key] == pods[carrier].Labels[key]
		}
	}
	return taken
}

// counting returns the nodes on which a constraint counts Pods. All constraints of a Pod have keys that other rules need, too.
func (o *oracle) counting(p *feasibility.Pod, c *corev1.TopologySpreadConstraint) []bool {
	counts := make([]bool, len(o.world.Nodes))
	for n := range o.world.Nodes {
		node := &o.world.Nodes[n]
		counts[n] = true
		for _, other := range p.Rewritten.TopologySpreadConstraints {
			_, ok := node.Labels[other.TopologyKey]
			counts[n] = counts[n] && ok
		}
		if c.NodeAffinityPolicy == nil || *c.NodeAffinityPolicy == corev1.NodeInclusionPolicyHonor {
			counts[n] = counts[n] && wants(p, node)
		}
		if c.NodeTaintsPolicy != nil && *c.NodeTaintsPolicy == corev1.NodeInclusionPolicyHonor {
			counts[n] = counts[n] && tolerates(p, node)
		}
	}
	return counts
}

// play returns all ends.
func (o *oracle) play() []placement {
	o.seen, o.ends = map[string]bool{}, nil
	o.from(slices.Repeat(placement{nowhere}, len(o.world.Pods)))
	return o.ends
}

func (o *oracle) from(at placement) {
	key := make([]byte, len(at))
	for i := range at {
		key[i] = byte(at[i])
	}
	if o.seen[string(key)] {
		return
	}
	o.seen[string(key)] = true
	moved := false
	for pod := range at {
		for n := range o.world.Nodes {
			if at[pod] == nowhere && o.fits(at, pod, n) {
				moved = true
				next := slices.Clone(at)
				next[pod] = int8(n)
				o.from(next)
			}
		}
	}
	if !moved {
		o.ends = append(o.ends, at)
	}
}

// sure returns the Pods that have a node at the end of every play.
func (o *oracle) sure() []bool {
	sure := make([]bool, len(o.world.Pods))
	ends := o.play()
	for pod := range sure {
		sure[pod] = !slices.ContainsFunc(ends, func(end placement) bool { return end[pod] == nowhere })
	}
	return sure
}

func (o *oracle) fits(at placement, pod, n int) bool {
	return o.homes[pod][n] && o.apart(at, pod, n) && o.near(at, pod, n) && o.even(at, pod, n)
}

// shares reports whether two nodes are in one domain.
func (o *oracle) shares(key string, n, m int) bool {
	v, ok := o.world.Nodes[n].Labels[key]
	w, also := o.world.Nodes[m].Labels[key]
	return ok && also && v == w
}

func (o *oracle) apart(at placement, pod, n int) bool {
	for other, m := range at {
		if m == nowhere {
			continue
		}
		for _, r := range o.rules[pod].apart {
			if r.takes[other] && o.shares(r.key, n, int(m)) {
				return false
			}
		}
		for _, r := range o.rules[other].apart {
			if r.takes[pod] && o.shares(r.key, n, int(m)) {
				return false
			}
		}
	}
	return true
}

func (o *oracle) near(at placement, pod, n int) bool {
	all := func(p int) bool {
		return !slices.ContainsFunc(o.rules[pod].near, func(r oracleRule) bool { return !r.takes[p] })
	}
	anywhere := false
	for other, m := range at {
		anywhere = anywhere || m != nowhere && all(other)
	}
	for _, r := range o.rules[pod].near {
		if _, ok := o.world.Nodes[n].Labels[r.key]; !ok {
			return false
		}
		found := !anywhere && all(pod)
		for other, m := range at {
			found = found || m != nowhere && all(other) && o.shares(r.key, n, int(m))
		}
		if !found {
			return false
		}
	}
	return true
}

func (o *oracle) even(at placement, pod, n int) bool {
	for _, r := range o.rules[pod].even {
		domain, ok := o.world.Nodes[n].Labels[r.key]
		if !ok {
			return false
		}
		counts := o.counts(at, &r)
		fewest := len(o.world.Pods)
		for _, count := range counts {
			fewest = min(fewest, count)
		}
		if len(counts) < r.domains {
			fewest = 0
		}
		self := 0
		if r.takes[pod] {
			self = 1
		}
		if counts[domain]+self-fewest > r.skew {
			return false
		}
	}
	return true
}

// counts returns how many Pods a constraint counts in each domain that it knows.
func (o *oracle) counts(at placement, r *oracleRule) map[string]int {
	counts := map[string]int{}
	for m := range o.world.Nodes {
		if !r.counts[m] {
			continue
		}
		domain := o.world.Nodes[m].Labels[r.key]
		counts[domain] += 0
		for other, where := range at {
			if int(where) == m && r.takes[other] && !r.takesEverybody {
				counts[domain]++
			}
		}
	}
	return counts
}
