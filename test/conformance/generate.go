package conformance

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// shard is the name of one of the source's shards: the sharding's name, and a suffix that was drawn at random.
const shard = "shard-x7k"

// shapes are the Pods that policies can name.
var shapes = []member{
	{component: "mysql"},
	{component: "mysql", ordinal: 1},
	{component: "proxy"},
	{component: "mysql", template: "big", ordinal: 2},
	{component: shard},
}

// Generators draw what is simple and telling first: rapid shrinks towards it.
var (
	components = rapid.SampledFrom([]string{"mysql", "mysql", "proxy"})
	zones      = rapid.SampledFrom([]string{"", "zone1", "zone2"})
	teams      = rapid.SampledFrom([]string{"", "red", "blue"})
	templates  = rapid.SampledFrom([]string{"", "", "", "big"})
)

// scenarios generates scenarios whose policy can be rewritten so that the laws hold.
var scenarios = rapid.Custom(func(t *rapid.T) scenario {
	s := scenario{restore: restores.Draw(t, "restore")}
	a := author{restore: s.restore, neighbourly: rapid.Bool().Draw(t, "neighbourly")}
	s.policy = a.policy(t)
	s.nodes = drawNodes(t)
	cluster := s.members(t, 1, 5)
	s.incoming, s.cluster = cluster[0], cluster[1:]
	s.incoming.node = ""
	s.strangers = s.drawStrangers(t, a.neighbourly && s.moved())
	s.bystanders = s.members(t, 1, 4)
	return s
})

// restores generates restores that changed the name, the namespace, or both.
var restores = rapid.Custom(func(t *rapid.T) restore {
	var r restore
	r.target.Name = rapid.SampledFrom([]string{"carrot67", "my1-copy", source.Name}).Draw(t, "target")
	r.target.Namespace = movedNamespace
	if !r.keepsName() {
		r.target.Namespace = rapid.SampledFrom([]string{sourceNamespace, movedNamespace}).Draw(t, "namespace")
	}
	r.target.UID = "uid-of-target"
	r.early = rapid.Bool().Draw(t, "early")
	return r
})

func drawNodes(t *rapid.T) []*corev1.Node {
	zones := rapid.SliceOfN(zones, 1, 4).Draw(t, "nodes")
	nodes := make([]*corev1.Node, 0, len(zones))
	for i, zone := range zones {
		nodes = append(nodes, newNode(i, zone))
	}
	return nodes
}

// members draws Pods of one cluster, on the nodes of the scenario. Their ordinals are their places in the list.
func (s *scenario) members(t *rapid.T, fewest, most int) []member {
	members := list(t, "members", fewest, most, func(t *rapid.T) member {
		m := member{
			component: components.Draw(t, "component"),
			team:      teams.Draw(t, "team"),
			node:      nodeName(rapid.IntRange(0, len(s.nodes)-1).Draw(t, "node")),
		}
		if m.component == "mysql" {
			m.template = templates.Draw(t, "template")
		}
		return m
	})
	for i := range members {
		members[i].ordinal = i
	}
	return members
}

// drawStrangers draws Pods of other clusters and of none. They never have the name of the source or the target: then the
// laws would ask two things of one Pod. With twins, every stranger in the source's namespace has its like in the target's, and
// the other way round, on the same node.
func (s *scenario) drawStrangers(t *rapid.T, twins bool) []*corev1.Pod {
	strangers := s.members(t, 0, 4)
	pods := make([]*corev1.Pod, 0, 2*len(strangers))
	for i, m := range strangers {
		name := rapid.SampledFrom(append([]string{""}, strangerNames...)).Draw(t, "stranger")
		namespace := rapid.SampledFrom(namespaceNames).Draw(t, "namespace")
		labels := m.labels(cluster(namespace, name))
		if name == "" {
			labels = map[string]string{labelTeam: m.team, rewrite.LabelComponentName: m.component}
		}
		homes := []string{namespace}
		if twins && namespace != otherNamespace {
			homes = []string{sourceNamespace, movedNamespace}
		}
		for _, home := range homes {
			pods = append(pods, newPod(home, fmt.Sprintf("stranger%d", i), m.node, labels, policy{}))
		}
	}
	return pods
}
