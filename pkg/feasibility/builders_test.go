package feasibility_test

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

// Label keys and values as KubeBlocks writes them.
const (
	instance  = "app.kubernetes.io/instance"
	component = "apps.kubeblocks.io/component-name"
	podName   = "apps.kubeblocks.io/pod-name"

	source = "my1"
	target = "carrot67"

	host = corev1.LabelHostname
	zone = corev1.LabelTopologyZone
)

// node returns a node: its zone is its name without digits.
func node(name string) corev1.Node {
	return corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
		host: name, zone: strings.TrimRight(name, "0123456789"),
	}}}
}

// nodes returns the nodes of a list such as "a1 a2 b1".
func nodes(names string) []corev1.Node {
	var all []corev1.Node
	for name := range strings.FieldsSeq(names) {
		all = append(all, node(name))
	}
	return all
}

// tie ties the volume of a Pod: "" to nothing, "a" to a zone, "a1" to a node, "a1|a2" to two, "?a1" selects a node.
func tie(pod, place string) []feasibility.Volume {
	v := feasibility.Volume{Claim: "data-" + pod}
	switch {
	case place == "":
	case place[0] == '?':
		v.Node = place[1:]
	case strings.ContainsAny(place, "0123456789"):
		v.NodeAffinity = within(host, strings.Split(place, "|")...)
	default:
		v.NodeAffinity = within(zone, place)
	}
	return []feasibility.Volume{v}
}

func within(key string, values ...string) *corev1.VolumeNodeAffinity {
	return &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
		MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: corev1.NodeSelectorOpIn, Values: values}},
	}}}}
}

// written is a policy as somebody wrote it for one cluster.
type written func(cluster string) feasibility.Rules

// together returns the rules of several policies as one.
func together(policies ...written) written {
	return func(cluster string) feasibility.Rules {
		all := feasibility.Rules{Affinity: &corev1.Affinity{PodAffinity: &corev1.PodAffinity{}, PodAntiAffinity: &corev1.PodAntiAffinity{}}}
		for _, p := range policies {
			r := p(cluster)
			all.TopologySpreadConstraints = append(all.TopologySpreadConstraints, r.TopologySpreadConstraints...)
			if r.Affinity != nil && r.Affinity.PodAffinity != nil {
				all.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution = append(
					all.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution,
					r.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution...)
			}
			if r.Affinity != nil && r.Affinity.PodAntiAffinity != nil {
				all.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution = append(
					all.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution,
					r.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution...)
			}
		}
		return all
	}
}

// unchanged returns a policy that already names the target.
func unchanged(p written) written {
	return func(string) feasibility.Rules { return p(target) }
}

func term(key string, labels map[string]string) corev1.PodAffinityTerm {
	return corev1.PodAffinityTerm{TopologyKey: key, LabelSelector: &metav1.LabelSelector{MatchLabels: labels}}
}

// labels returns the labels of a cluster's component, or of the whole cluster where the component is empty.
func labels(cluster, of string) map[string]string {
	if of == "" {
		return map[string]string{instance: cluster}
	}
	return map[string]string{instance: cluster, component: of}
}

// apart keeps Pods away from a component's: one per domain of the key.
func apart(key, of string) written {
	return func(cluster string) feasibility.Rules { return repel(term(key, labels(cluster, of))) }
}

func repel(terms ...corev1.PodAffinityTerm) feasibility.Rules {
	return feasibility.Rules{Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: terms,
	}}}
}

// near keeps Pods in the domain of a component's.
func near(key, of string) written {
	return func(cluster string) feasibility.Rules { return attract(term(key, labels(cluster, of))) }
}

func attract(terms ...corev1.PodAffinityTerm) feasibility.Rules {
	return feasibility.Rules{Affinity: &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: terms,
	}}}
}

// even spreads Pods with a component's, and changes the constraint as told.
func even(key, of string, change ...func(*corev1.TopologySpreadConstraint)) written {
	return func(cluster string) feasibility.Rules {
		c := corev1.TopologySpreadConstraint{
			MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: corev1.DoNotSchedule,
			LabelSelector: &metav1.LabelSelector{MatchLabels: labels(cluster, of)},
		}
		for _, f := range change {
			f(&c)
		}
		return feasibility.Rules{TopologySpreadConstraints: []corev1.TopologySpreadConstraint{c}}
	}
}

// pods returns the Pods of a component, one for each place that its volume is tied to.
func pods(of string, p written, places ...string) []feasibility.Pod {
	var all []feasibility.Pod
	for i, place := range places {
		name := fmt.Sprintf("%s-%d", of, i)
		all = append(all, feasibility.Pod{
			Name: name, Labels: map[string]string{instance: target, component: of, podName: name},
			Policy: of, Stale: p(source), Rewritten: p(target), Volumes: tie(name, place),
		})
	}
	return all
}

// world returns a world in a namespace of its own.
func world(of []corev1.Node, groups ...[]feasibility.Pod) feasibility.World {
	w := feasibility.World{Namespace: "default", NamespaceLabels: map[string]string{"tier": "data"}, Nodes: of}
	for _, g := range groups {
		w.Pods = append(w.Pods, g...)
	}
	return w
}
