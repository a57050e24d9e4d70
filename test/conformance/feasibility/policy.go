package feasibility

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

// policy is the rules of a component. Each adds itself as it is written for one cluster.
type policy []func(r *feasibility.Rules, cluster string)

func (p policy) rules(cluster string) feasibility.Rules {
	r := feasibility.Rules{Affinity: &corev1.Affinity{PodAffinity: &corev1.PodAffinity{}, PodAntiAffinity: &corev1.PodAntiAffinity{}}}
	for _, add := range p {
		add(&r, cluster)
	}
	return r
}

// policy draws up to three rules. Beside Pods of the source, no rule selects these before and after the rewrite.
func (g *generator) policy(beside bool) policy {
	p := make(policy, pick(g, 0, 1, 1, 1, 2, 2, 3))
	for i := range p {
		stays := g.oneIn(7)
		add := g.rule(beside, stays)
		if stays {
			rewritten := add
			add = func(r *feasibility.Rules, _ string) { rewritten(r, target) }
		}
		p[i] = add
	}
	if g.oneIn(10) {
		p = append(p, g.nodeAffinity())
	}
	return p
}

func (g *generator) rule(beside, stays bool) func(r *feasibility.Rules, cluster string) {
	key := pick(g, corev1.LabelHostname, corev1.LabelHostname, corev1.LabelTopologyZone, corev1.LabelTopologyZone, labelRack)
	selector := g.selector(beside, stays)
	switch g.IntN(12) {
	case 0, 1, 2, 3, 4:
		return g.podTerm(key, selector, true)
	case 5, 6, 7:
		return g.podTerm(key, selector, false)
	case 8:
		return preferred(key, selector)
	default:
		return g.constraint(key, selector)
	}
}

// selector draws a selector of a cluster's Pods. One that stays must not select those of the source that are beside.
func (g *generator) selector(beside, stays bool) func(cluster string) *metav1.LabelSelector {
	component := pick(g, components...)
	kinds := []string{"instance", "component", "component", "component", "values"}
	if !beside || !stays {
		kinds = append(kinds, "others")
	}
	if !beside {
		kinds = append(kinds, "unscoped")
	}
	switch pick(g, kinds...) {
	case "component":
		return func(cluster string) *metav1.LabelSelector {
			return &metav1.LabelSelector{MatchLabels: map[string]string{labelInstance: cluster, labelComponent: component}}
		}
	case "values":
		return func(cluster string) *metav1.LabelSelector {
			return expression(metav1.LabelSelectorOpIn, "web1", cluster)
		}
	case "others": // Before the rewrite, the target's Pods are others; after it, they are not.
		return func(cluster string) *metav1.LabelSelector { return expression(metav1.LabelSelectorOpNotIn, cluster) }
	case "unscoped":
		return func(string) *metav1.LabelSelector {
			return &metav1.LabelSelector{MatchLabels: map[string]string{labelComponent: component}}
		}
	default:
		return func(cluster string) *metav1.LabelSelector {
			return &metav1.LabelSelector{MatchLabels: map[string]string{labelInstance: cluster}}
		}
	}
}

func expression(operator metav1.LabelSelectorOperator, clusters ...string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: labelInstance, Operator: operator, Values: clusters},
	}}
}

func (g *generator) podTerm(key string, selector func(string) *metav1.LabelSelector, apart bool) func(*feasibility.Rules, string) {
	t := corev1.PodAffinityTerm{TopologyKey: key}
	switch g.IntN(12) {
	case 0:
		t.Namespaces = []string{namespace}
	case 1:
		t.Namespaces = []string{"elsewhere"}
	case 2:
		t.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "data"}}
	case 3:
		t.MatchLabelKeys = []string{labelPodName}
	case 4:
		t.MismatchLabelKeys = []string{labelPodName}
	}
	return func(r *feasibility.Rules, cluster string) {
		t := *t.DeepCopy()
		t.LabelSelector = selector(cluster)
		list := &r.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution
		if apart {
			list = &r.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
		}
		*list = append(*list, t)
	}
}

func preferred(key string, selector func(string) *metav1.LabelSelector) func(*feasibility.Rules, string) {
	return func(r *feasibility.Rules, cluster string) {
		list := &r.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution
		*list = append(*list, corev1.WeightedPodAffinityTerm{
			Weight: 1, PodAffinityTerm: corev1.PodAffinityTerm{TopologyKey: key, LabelSelector: selector(cluster)},
		})
	}
}

func (g *generator) constraint(key string, selector func(string) *metav1.LabelSelector) func(*feasibility.Rules, string) {
	c := corev1.TopologySpreadConstraint{MaxSkew: pick[int32](g, 1, 1, 2, 3), TopologyKey: key, WhenUnsatisfiable: corev1.DoNotSchedule}
	switch g.IntN(12) {
	case 0:
		c.WhenUnsatisfiable = corev1.ScheduleAnyway
	case 1, 2:
		c.MinDomains = ptr.To(1 + g.Int32N(4))
	case 3:
		c.NodeAffinityPolicy = ptr.To(corev1.NodeInclusionPolicyIgnore)
	case 4:
		c.NodeTaintsPolicy = ptr.To(corev1.NodeInclusionPolicyHonor)
	case 5:
		c.MatchLabelKeys = []string{labelPodName}
	}
	return func(r *feasibility.Rules, cluster string) {
		for i := range r.TopologySpreadConstraints {
			// The API server refuses two constraints on one key.
			if r.TopologySpreadConstraints[i].TopologyKey == key && r.TopologySpreadConstraints[i].WhenUnsatisfiable == c.WhenUnsatisfiable {
				return
			}
		}
		c := *c.DeepCopy()
		c.LabelSelector = selector(cluster)
		r.TopologySpreadConstraints = append(r.TopologySpreadConstraints, c)
	}
}

// nodeAffinity draws zones that the Pods want to be in.
func (g *generator) nodeAffinity() func(*feasibility.Rules, string) {
	wanted := []string{pick(g, zones...), pick(g, zones...)}
	return func(r *feasibility.Rules, _ string) {
		r.Affinity.NodeAffinity = &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{
				{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: wanted},
			}}},
		}}
	}
}
