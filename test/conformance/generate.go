package conformance

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// rapid shrinks towards the first element, so the simplest value stands first.
var (
	components = rapid.SampledFrom([]string{"mysql", "mysql", "proxy"})
	zones      = rapid.SampledFrom([]string{"", "zone1", "zone2"})
	teams      = rapid.SampledFrom([]string{"", "red", "blue"})
	templates  = rapid.SampledFrom([]string{"", "", "", "big"})
)

// scenarios generates scenarios whose policy a rewrite can make satisfy the laws.
var scenarios = rapid.Custom(func(t *rapid.T) scenario {
	s := scenario{restore: restores.Draw(t, "restore")}
	g := policyGenerator{restore: s.restore, mirrored: rapid.Bool().Draw(t, "mirrored")}
	s.policy = g.policy(t)
	s.nodes = drawNodes(t)
	cluster := s.members(t, 1, 5)
	s.incoming, s.cluster = cluster[0], cluster[1:]
	s.incoming.node = ""
	s.strangers = s.drawStrangers(t, g.mirrored && s.moved())
	s.neighbours = s.members(t, 1, 4)
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
	r.beforeCreation = rapid.Bool().Draw(t, "beforeCreation")
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

// members draws Pods of one cluster on the scenario's nodes, with ordinals from 0.
func (s *scenario) members(t *rapid.T, minLen, maxLen int) []member {
	members := drawList(t, "members", minLen, maxLen, func(t *rapid.T) member {
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

// drawStrangers draws Pods of other clusters and of none. They never have the name of the source or the target, for which the laws
// would contradict each other. With mirrored, a stranger in the source's or the target's namespace is also created in the other one,
// on the same node.
func (s *scenario) drawStrangers(t *rapid.T, mirrored bool) []*corev1.Pod {
	strangers := s.members(t, 0, 4)
	pods := make([]*corev1.Pod, 0, 2*len(strangers))
	for i, m := range strangers {
		name := rapid.SampledFrom(append([]string{""}, strangerNames...)).Draw(t, "stranger")
		namespace := rapid.SampledFrom(namespaceNames).Draw(t, "namespace")
		labels := m.labels(identity(namespace, name))
		if name == "" {
			labels = map[string]string{labelTeam: m.team, rewrite.LabelComponentName: m.component}
		}
		in := []string{namespace}
		if mirrored && namespace != otherNamespace {
			in = []string{sourceNamespace, movedNamespace}
		}
		for _, namespace := range in {
			pods = append(pods, newPod(namespace, fmt.Sprintf("stranger%d", i), m.node, labels, policy{}))
		}
	}
	return pods
}
