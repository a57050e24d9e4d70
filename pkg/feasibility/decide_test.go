package feasibility_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

const threeZones = "a1 a2 a3 b1 b2 b3 c1 c2 c3"

// perNode and perZone keep a component's Pods apart.
var (
	perNode = apart(host, "mysql")
	perZone = apart(zone, "mysql")
)

// cases: refused holds "policy kind index: reason" for each rule that must stay stale, and nothing where all is admitted.
var cases = []struct {
	name    string
	world   feasibility.World
	refused []string
}{
	// Anti-affinity.
	{
		name:  "two volumes in one zone with three nodes are no obstacle to one per node",
		world: world(nodes("a1 a2 a3"), pods("mysql", perNode, "a", "a")),
	},
	{
		name:    "two volumes on one node are",
		world:   world(nodes("a1 a2 a3"), pods("mysql", perNode, "a1", "a1")),
		refused: []string{"mysql anti-affinity 0: claims data-mysql-0 and data-mysql-1 are both on node a1, and the rule wants one Pod per node"},
	},
	{
		name:    "two volumes in one zone, one Pod per zone",
		world:   world(nodes(threeZones), pods("mysql", perZone, "a", "a", "b")),
		refused: []string{"mysql anti-affinity 0: claims data-mysql-0 and data-mysql-1 are both in zone a, and the rule wants one Pod per zone"},
	},
	{
		name:  "one volume in each zone, one Pod per zone",
		world: world(nodes(threeZones), pods("mysql", perZone, "a", "b", "c")),
	},
	{
		name:    "a placement for all is not enough: the first Pod can take the node of the second",
		world:   world(nodes("a1 a2"), pods("mysql", perNode, "a", "a1")),
		refused: []string{"mysql anti-affinity 0: claim data-mysql-1 ties Pod mysql-1 to node a1, which Pod mysql-0 can take first, and the rule wants one Pod per node"},
	},
	{
		name:  "Pods without volumes that cannot reach the node of the others do not matter",
		world: world(nodes(threeZones), pods("mysql", perNode, "a1", "b1", "c1")),
	},
	{
		name:  "volumes that are free are always admitted, whatever the number of nodes",
		world: world(nodes("a1"), pods("mysql", perNode, "", "", "")),
	},
	{
		name:    "a free volume beside a bound one can take its node",
		world:   world(nodes(threeZones), pods("mysql", perNode, "a1", "", "")),
		refused: []string{"mysql anti-affinity 0: claim data-mysql-0 ties Pod mysql-0 to node a1, which Pod mysql-1 can take first, and the rule wants one Pod per node"},
	},
	{
		name:  "free volumes beside a zonal one leave it a node",
		world: world(nodes(threeZones), pods("mysql", perNode, "a", "", "")),
	},
	{
		name:    "free volumes beside a zonal one can fill its zone",
		world:   world(nodes("a1 a2 b1 b2"), pods("mysql", perNode, "a", "", "")),
		refused: []string{"mysql anti-affinity 0: claim data-mysql-0 ties Pod mysql-0 to nodes a1 and a2, which Pods mysql-1 and mysql-2 can take first, and the rule wants one Pod per node"},
	},
	{
		name:    "a selected node counts like a bound volume",
		world:   world(nodes("a1 a2"), pods("mysql", perNode, "?a1", "?a1")),
		refused: []string{"mysql anti-affinity 0: claims data-mysql-0 and data-mysql-1 are both on node a1, and the rule wants one Pod per node"},
	},
	{
		name:  "a Pod whose node is gone does not run, and holds back nobody",
		world: world(nodes("b1"), pods("mysql", perNode, "a1", "a1", "b1")),
	},
	{
		name:  "a volume whose node is gone is not there for a rule that concerns free ones beside it",
		world: world(nodes("b1"), pods("mysql", perNode, "a1", "", "")),
	},
	{
		name:  "each shard is a group of its own, with its own nodes",
		world: world(nodes("a1 a2 a3"), pods("shard-abc", apart(host, "shard-abc"), "a1", "a2", "a3"), pods("shard-xyz", apart(host, "shard-xyz"), "a1", "a2", "a3")),
	},
	{
		name:    "by instance only, the components are one group",
		world:   world(nodes("a1 a2"), pods("mysql", apart(host, ""), "a1"), pods("proxy", apart(host, ""), "a1")),
		refused: []string{"mysql anti-affinity 0: claims data-mysql-0 and data-proxy-0 are both on node a1, and the rule wants one Pod per node", "proxy anti-affinity 0: claims data-mysql-0 and data-proxy-0 are both on node a1, and the rule wants one Pod per node"},
	},
	{
		name:    "the rule of one component against another counts in both directions",
		world:   world(nodes("a1 a2"), pods("mysql", rule(), "a1"), pods("proxy", apart(host, "mysql"), "a1")),
		refused: []string{"proxy anti-affinity 0: claims data-mysql-0 and data-proxy-0 are both on node a1, and the rule wants one Pod per node"},
	},
	{
		name:    "per node and per zone: the rule that the volumes do not admit is refused alone",
		world:   world(nodes(threeZones), pods("mysql", together(perNode, perZone), "a1", "a2", "b1")),
		refused: []string{"mysql anti-affinity 1: claims data-mysql-0 and data-mysql-1 are both in zone a, and the rule wants one Pod per zone"},
	},
	{
		name:  "per node and per zone, one volume per zone",
		world: world(nodes(threeZones), pods("mysql", together(perNode, perZone), "a", "b1", "c")),
	},

	// Affinity.
	{
		name:  "near each other in one zone, and all volumes there",
		world: world(nodes(threeZones), pods("mysql", near(zone, "mysql"), "a1", "a", "a2")),
	},
	{
		name:    "near each other in one zone, and volumes in two",
		world:   world(nodes(threeZones), pods("mysql", near(zone, "mysql"), "a", "b")),
		refused: []string{"mysql affinity 0: claims data-mysql-0 and data-mysql-1 are tied to zones a and b, and the rule wants the Pods in one zone"},
	},
	{
		name:    "near each other, and the first, free one can choose a zone where the second cannot be",
		world:   world(nodes(threeZones), pods("mysql", near(zone, "mysql"), "", "b")),
		refused: []string{"mysql affinity 0: claim data-mysql-1 ties Pod mysql-1 to zone b, Pod mysql-0 can be elsewhere, and the rule wants them in one zone"},
	},
	{
		name:  "a sister component follows the volumes wherever they are",
		world: world(nodes(threeZones), pods("mysql", rule(), "b1"), pods("proxy", near(zone, "mysql"), "", "")),
	},
	{
		name:    "a sister component whose volumes are elsewhere cannot follow",
		world:   world(nodes(threeZones), pods("mysql", rule(), "b1"), pods("proxy", near(zone, "mysql"), "a")),
		refused: []string{"proxy affinity 0: claims data-mysql-0 and data-proxy-0 are tied to zones b and a, and the rule wants the Pods in one zone"},
	},
	{
		name:    "near a component that the Cluster does not have",
		world:   world(nodes(threeZones), pods("proxy", near(zone, "mysql"), "a")),
		refused: []string{"proxy affinity 0: Pod proxy-0 needs a Pod in the same zone that the Cluster does not have"},
	},
	{
		name:    "near a component whose Pods do not run",
		world:   world(nodes("a1 a2"), pods("mysql", rule(), "b1"), pods("proxy", near(zone, "mysql"), "a")),
		refused: []string{"proxy affinity 0: Pod proxy-0 needs a Pod in the same zone that the Cluster does not have"},
	},
	{
		name:    "near each other in one zone but one per node, with too few nodes there",
		world:   world(nodes("a1 b1 b2"), pods("mysql", together(near(zone, "mysql"), perNode), "", "", "b")),
		refused: []string{"mysql anti-affinity 0: claim data-mysql-2 ties Pod mysql-2 to nodes b1 and b2, which Pods mysql-0 and mysql-1 can take first, and the rule wants one Pod per node", "mysql affinity 0: claim data-mysql-2 ties Pod mysql-2 to zone b, Pod mysql-0 can be elsewhere, and the rule wants them in one zone"},
	},

	// Rules beside one that stays stale.
	{
		name:    "of two rules, that which the volumes admit is rewritten",
		world:   world(nodes("a1 a2 b1"), pods("mysql", together(perNode, near(zone, "mysql")), "a", "a", "a")),
		refused: []string{"mysql anti-affinity 0: claim data-mysql-2 ties Pod mysql-2 to nodes a1 and a2, which Pods mysql-0 and mysql-1 can take first, and the rule wants one Pod per node"},
	},
	{
		name:  "a stale rule leaves it to the source's Pods which nodes remain",
		world: world(nodes("a1 a2 b1"), pods("mysql", together(perNode, even(host, "mysql", maxSkew(2))), "a", "a", "a")),
		refused: []string{
			"mysql anti-affinity 0: claim data-mysql-2 ties Pod mysql-2 to nodes a1 and a2, which Pods mysql-0 and mysql-1 can take first, and the rule wants one Pod per node",
			"mysql topology spread 0: cannot be proven: Pod mysql-0 and the Pods that the rule selects have more possible placements than are checked",
		},
	},

	// Spread.
	{
		name:  "spread over zones, one volume in each",
		world: world(nodes(threeZones), pods("mysql", even(zone, "mysql"), "a", "b", "c")),
	},
	{
		name:  "spread over zones, five volumes as even as can be",
		world: world(nodes(threeZones), pods("mysql", together(even(zone, "mysql"), perNode), "a1", "a2", "b1", "b2", "c1")),
	},
	{
		name:    "spread over zones, all volumes in one of three",
		world:   world(nodes(threeZones), pods("mysql", even(zone, "mysql"), "a", "a", "a")),
		refused: []string{"mysql topology spread 0: claim data-mysql-1 ties Pod mysql-1 to zone a, where 1 other Pod can be, and the rule allows 1 more than in the zone with the fewest"},
	},
	{
		name:  "spread over zones, all volumes in the only one",
		world: world(nodes("a1 a2 a3"), pods("mysql", even(zone, "mysql"), "a", "a", "a")),
	},
	{
		name:  "spread with room: maxSkew is not reached",
		world: world(nodes(threeZones), pods("mysql", even(zone, "mysql", maxSkew(3)), "a", "a", "a")),
	},
	{
		name:    "minDomains asks for more zones than there are",
		world:   world(nodes("a1 a2 b1"), pods("mysql", even(zone, "mysql", minDomains(3)), "a", "a", "b", "b")),
		refused: []string{"mysql topology spread 0: claim data-mysql-1 ties Pod mysql-1 to zone a, where 1 other Pod can be, and the rule allows 1 more than in the zone with the fewest"},
	},
	{
		name:  "zones where the Pods' own rules keep them from being do not count",
		world: world(nodes(threeZones), selecting(pods("mysql", even(zone, "mysql"), "a", "a", "a"), zone, "a")),
	},
	{
		name:    "unless the constraint ignores those rules",
		world:   world(nodes(threeZones), selecting(pods("mysql", even(zone, "mysql", ignoringAffinity), "a", "a", "a"), zone, "a")),
		refused: []string{"mysql topology spread 0: claim data-mysql-1 ties Pod mysql-1 to zone a, where 1 other Pod can be, and the rule allows 1 more than in the zone with the fewest"},
	},
	{
		name:    "tainted nodes count as a domain",
		world:   world(tainted("b1", nodes("a1 a2 b1")), pods("mysql", even(zone, "mysql"), "a", "a")),
		refused: []string{"mysql topology spread 0: claim data-mysql-1 ties Pod mysql-1 to zone a, where 1 other Pod can be, and the rule allows 1 more than in the zone with the fewest"},
	},
	{
		name:  "unless the constraint honours taints",
		world: world(tainted("b1", nodes("a1 a2 b1")), pods("mysql", even(zone, "mysql", honouringTaints), "a", "a")),
	},
	{
		name:  "spread over nodes, one volume on each",
		world: world(nodes("a1 a2 b1 b2"), pods("mysql", even(host, "mysql"), "a1", "a2", "b1")),
	},
	{
		name:    "a free Pod beside pinned ones can always go where the fewest are",
		world:   world(nodes(threeZones), pods("mysql", even(zone, "mysql"), "a", "b", "")),
		refused: []string{"mysql topology spread 0: claim data-mysql-0 ties Pod mysql-0 to zone a, where 1 other Pod can be, and the rule allows 1 more than in the zone with the fewest"},
	},
	{
		name:  "a constraint that counts the Pod alone always holds",
		world: world(nodes(threeZones), pods("mysql", even(zone, "mysql", byPod), "a", "a", "a")),
	},
	{
		name:  "a constraint that counts all Pods counts none",
		world: world(nodes(threeZones), pods("mysql", even(zone, "mysql", counting(metav1.LabelSelector{})), "a", "a", "a")),
	},

	// What is no harm, and what is not judged.
	{
		name:  "preferred rules and ScheduleAnyway are rewritten",
		world: world(nodes("a1 b1"), pods("mysql", together(preferred(host), even(zone, "mysql", anyway)), "a1", "a1", "a1")),
	},
	{
		name:  "a rule that was there before is not due",
		world: world(nodes("a1 b1"), pods("mysql", unchanged(perNode), "a1", "a1")),
	},
	{
		name:    "beside a rule that already leaves a Pod without a node, no other is rewritten",
		world:   world(nodes("a1 b1"), pods("mysql", together(unchanged(perNode), perZone), "a1", "a1")),
		refused: []string{"mysql anti-affinity 1: claims data-mysql-0 and data-mysql-1 are both in zone a, and the rule wants one Pod per zone"},
	},
	{
		name:  "a rule that no Pods can break is rewritten",
		world: world(nodes("a1 b1"), pods("mysql", perZone, "a1", "b1"), pods("proxy", near(zone, "proxy"), "a1", "a1")),
	},
	{
		name:  "a rule that selects none of the Cluster's Pods is not judged",
		world: world(nodes("a1 b1"), pods("mysql", apart(host, "redis"), "a1", "a1")),
	},
	{
		name:  "a Pod that its own node selector keeps from running does not count",
		world: world(nodes("a1 b1"), pods("mysql", perNode, "b1"), selecting(pods("mysql", perNode, "a1"), zone, "z")),
	},
	{
		name:  "a Pod that its own unchanged rule keeps from running does not count",
		world: world(nodes("a1 b1"), pods("mysql", together(perZone, unchanged(near(zone, "proxy"))), "a1"), pods("proxy", rule(), "b1")),
	},
	{
		name:    "a rule that selects the source's Pods once it is rewritten is refused: they can be on the node of a volume",
		world:   world(nodes("a1 b1"), pods("mysql", notSource, "a1", "a1")),
		refused: []string{"mysql anti-affinity 0: the rewritten rule selects Pods of the source instead of the Cluster's own, and those can be on any node"},
	},
	{
		name:    "so is a constraint that counts them",
		world:   world(nodes("a1 b1"), pods("mysql", evenNotSource, "a1")),
		refused: []string{"mysql topology spread 0: the rewritten rule selects Pods of the source instead of the Cluster's own, and those can be on any node"},
	},
	{
		name:    "and a rule of Pods without volumes that sets Pods with volumes free: the first takes the node of the second",
		world:   world(nodes("a1 a2"), pods("mysql", unchanged(perNode), "a1", "a1|a2"), pods("proxy", notSource, "")),
		refused: []string{"proxy anti-affinity 0: the rewritten rule selects Pods of the source instead of the Cluster's own, and those can be on any node"},
	},
	{
		name:    "even one that selected no other Pod of the Cluster: SEED=201 WORLD=1216 of the conformance test",
		world:   world(nodes("a1 b1"), pods("mysql", notSourceButKeyed, "a1")),
		refused: []string{"mysql anti-affinity 0: the rewritten rule selects Pods of the source instead of the Cluster's own, and those can be on any node"},
	},
	{
		name:  "beside free volumes such a rule is rewritten",
		world: world(nodes("a1 b1"), pods("mysql", notSource, "", "")),
	},
	{
		name: "a Pod that the source's Pods kept waiting takes the node of a volume, because of a rule that stays",
		world: world(nodes("a1"), pods("mysql", rule(), "a1"),
			pods("proxy", together(unchanged(apart(host, "mysql")), apart(host, "redis")), "")),
		refused: []string{"proxy anti-affinity 1: claim data-mysql-0 ties Pod mysql-0 to node a1, which Pod proxy-0 can take first, and another rule wants one Pod per node"},
	},

	// Nodes.
	{
		name:    "a tainted node is none",
		world:   world(tainted("a2", nodes("a1 a2")), pods("mysql", perNode, "a", "a")),
		refused: []string{"mysql anti-affinity 0: claims data-mysql-0 and data-mysql-1 are both on node a1, and the rule wants one Pod per node"},
	},
	{
		name:  "a taint that the Pods tolerate is no matter",
		world: world(tainted("a2", nodes("a1 a2")), tolerating(pods("mysql", perNode, "a", "a"))),
	},
	{
		name:    "a cordoned node is none",
		world:   world(cordoned("a2", nodes("a1 a2")), pods("mysql", perNode, "a", "a")),
		refused: []string{"mysql anti-affinity 0: claims data-mysql-0 and data-mysql-1 are both on node a1, and the rule wants one Pod per node"},
	},
	{
		name:    "a decision outlives a cordon",
		world:   world(cordoned("a1", nodes("a1 a2")), pods("mysql", perNode, "a1", "a1")),
		refused: []string{"mysql anti-affinity 0: claims data-mysql-0 and data-mysql-1 are both on node a1, and the rule wants one Pod per node"},
	},

	// Selectors.
	{
		name:  "a term in another namespace is not about the Cluster's Pods",
		world: world(nodes("a1 b1"), pods("mysql", ranging([]string{"other"}, nil), "a1", "a1")),
	},
	{
		name:    "a term that lists the namespace is",
		world:   world(nodes("a1 b1"), pods("mysql", ranging([]string{"other", "default"}, nil), "a1", "a1")),
		refused: []string{"mysql anti-affinity 0: claims data-mysql-0 and data-mysql-1 are both on node a1, and the rule wants one Pod per node"},
	},
	{
		name:    "and one that selects it by a label",
		world:   world(nodes("a1 b1"), pods("mysql", ranging(nil, &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "data"}}), "a1", "a1")),
		refused: []string{"mysql anti-affinity 0: claims data-mysql-0 and data-mysql-1 are both on node a1, and the rule wants one Pod per node"},
	},
	{
		name:  "matchLabelKeys: each Pod for itself",
		world: world(nodes("a1 b1"), pods("mysql", keyed([]string{podName}, nil), "a1", "a1")),
	},
	{
		name:  "mismatchLabelKeys: others than those of one's own component",
		world: world(nodes("a1 b1"), pods("mysql", keyed(nil, []string{component}), "a1", "a1")),
	},
	{
		name:    "mismatchLabelKeys: others than oneself",
		world:   world(nodes("a1 b1"), pods("mysql", keyed(nil, []string{podName}), "a1", "a1")),
		refused: []string{"mysql anti-affinity 0: claims data-mysql-0 and data-mysql-1 are both on node a1, and the rule wants one Pod per node"},
	},

	// The shapes of SEMANTICS.md.
	{
		name:  "two terms on one key",
		world: world(nodes("a1 a2 b1"), pods("mysql", together(perNode, apart(host, "")), "a1", "a2", "b1")),
	},
	{
		name:    "volumes of seven replicas that do not admit a rule per zone, but one per node",
		world:   world(nodes(threeZones), pods("mysql", together(perNode, even(zone, "mysql")), "a1", "a2", "a3", "b1", "b2", "b3", "c1")),
		refused: []string{"mysql topology spread 0: claim data-mysql-2 ties Pod mysql-2 to zone a, where 2 other Pods can be, and the rule allows 1 more than in the zone with the fewest"},
	},
}

func TestDecide(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var refused []string
			for _, r := range feasibility.Decide(c.world) {
				refused = append(refused, fmt.Sprintf("%s %s %d: %s", r.Rule.Policy, r.Rule.Kind, r.Rule.Index, r.Reason))
			}
			if !slices.Equal(refused, c.refused) {
				t.Errorf("refused:\n\t%s\nwant:\n\t%s", strings.Join(refused, "\n\t"), strings.Join(c.refused, "\n\t"))
			}
		})
	}
}

func TestRefusalNamesWhatIsInTheWay(t *testing.T) {
	w := world(nodes("a1 a2"), pods("mysql", perNode, "a1", "a1"))
	got := feasibility.Decide(w)[0]
	want := feasibility.Refusal{
		Rule:   feasibility.Rule{Policy: "mysql", Kind: feasibility.AntiAffinity, TopologyKey: host},
		Pods:   []string{"mysql-0", "mysql-1"},
		Claims: []string{"data-mysql-0", "data-mysql-1"}, Domains: []string{"a1"},
		Reason: "claims data-mysql-0 and data-mysql-1 are both on node a1, and the rule wants one Pod per node",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// rule returns a policy without rules.
func rule() written { return func(string) feasibility.Rules { return feasibility.Rules{} } }

func maxSkew(n int32) func(*corev1.TopologySpreadConstraint) {
	return func(c *corev1.TopologySpreadConstraint) { c.MaxSkew = n }
}

func minDomains(n int32) func(*corev1.TopologySpreadConstraint) {
	return func(c *corev1.TopologySpreadConstraint) { c.MinDomains = &n }
}

func counting(s metav1.LabelSelector) func(*corev1.TopologySpreadConstraint) {
	return func(c *corev1.TopologySpreadConstraint) { c.LabelSelector = &s }
}

func ignoringAffinity(c *corev1.TopologySpreadConstraint) {
	c.NodeAffinityPolicy = ptr.To(corev1.NodeInclusionPolicyIgnore)
}

func honouringTaints(c *corev1.TopologySpreadConstraint) {
	c.NodeTaintsPolicy = ptr.To(corev1.NodeInclusionPolicyHonor)
}

func byPod(c *corev1.TopologySpreadConstraint) { c.MatchLabelKeys = []string{podName} }

func anyway(c *corev1.TopologySpreadConstraint) { c.WhenUnsatisfiable = corev1.ScheduleAnyway }

func preferred(key string) written {
	return func(cluster string) feasibility.Rules {
		return feasibility.Rules{Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{
				{Weight: 100, PodAffinityTerm: term(key, labels(cluster, "mysql"))},
			},
		}}}
	}
}

// notSource keeps Pods away from all that are not of the cluster, evenNotSource spreads them with those.
func notSource(cluster string) feasibility.Rules {
	return repel(corev1.PodAffinityTerm{TopologyKey: host, LabelSelector: ptr.To(notOf(cluster))})
}

func notSourceButKeyed(cluster string) feasibility.Rules {
	return repel(corev1.PodAffinityTerm{TopologyKey: host, LabelSelector: ptr.To(notOf(cluster)), MismatchLabelKeys: []string{podName}})
}

func evenNotSource(cluster string) feasibility.Rules {
	return even(host, "", counting(notOf(cluster)))(cluster)
}

func notOf(cluster string) metav1.LabelSelector {
	return metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: instance, Operator: metav1.LabelSelectorOpNotIn, Values: []string{cluster}},
	}}
}

// ranging returns one Pod per node, over the given namespaces.
func ranging(names []string, s *metav1.LabelSelector) written {
	return func(cluster string) feasibility.Rules {
		t := term(host, labels(cluster, "mysql"))
		t.Namespaces, t.NamespaceSelector = names, s
		return repel(t)
	}
}

// keyed returns one Pod per node, of those that are alike or differ in some labels.
func keyed(match, mismatch []string) written {
	return func(cluster string) feasibility.Rules {
		t := term(host, labels(cluster, "mysql"))
		t.MatchLabelKeys, t.MismatchLabelKeys = match, mismatch
		return repel(t)
	}
}

func selecting(pods []feasibility.Pod, key, value string) []feasibility.Pod {
	for i := range pods {
		pods[i].NodeSelector = map[string]string{key: value}
	}
	return pods
}

func tolerating(pods []feasibility.Pod) []feasibility.Pod {
	for i := range pods {
		pods[i].Tolerations = []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists}}
	}
	return pods
}

func tainted(name string, nodes []corev1.Node) []corev1.Node {
	for i := range nodes {
		if nodes[i].Name == name {
			nodes[i].Spec.Taints = []corev1.Taint{{Key: "dedicated", Value: "web", Effect: corev1.TaintEffectNoSchedule}}
		}
	}
	return nodes
}

func cordoned(name string, nodes []corev1.Node) []corev1.Node {
	for i := range nodes {
		if nodes[i].Name == name {
			nodes[i].Spec.Unschedulable = true
		}
	}
	return nodes
}
