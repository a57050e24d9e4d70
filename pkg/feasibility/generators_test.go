package feasibility_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

// pick draws one of some values.
func pick[T any](t *rapid.T, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, label)
}

// drawNodes draws one to four nodes in two zones. One may be without a zone, and one may be tainted or cordoned.
func drawNodes(t *rapid.T, marred bool) []corev1.Node {
	names := []string{"a1", "a2", "b1", "b2", "a3"}
	all := make([]corev1.Node, 0, len(names))
	for _, name := range rapid.Permutation(names).Draw(t, "nodes")[:rapid.IntRange(1, 4).Draw(t, "number of nodes")] {
		n := node(name)
		switch chance := rapid.IntRange(0, 19).Draw(t, "mark"); {
		case !marred:
		case chance == 0:
			delete(n.Labels, zone)
		case chance == 1:
			n.Spec.Taints = []corev1.Taint{{Key: "dedicated", Effect: corev1.TaintEffectNoSchedule}}
		case chance == 2:
			n.Spec.Unschedulable = true
		}
		all = append(all, n)
	}
	return all
}

// drawWorld draws a world of up to four Pods of two components.
func drawWorld(t *rapid.T) feasibility.World {
	w := world(drawNodes(t, true))
	size := rapid.IntRange(1, 4).Draw(t, "number of Pods")
	first := rapid.IntRange(1, size).Draw(t, "Pods of the first component")
	policies := map[string]written{"mysql": drawPolicy(t), "proxy": drawPolicy(t)}
	for i := range size {
		of := "mysql"
		if i >= first {
			of = "proxy"
		}
		w.Pods = append(w.Pods, drawPod(t, fmt.Sprintf("%s-%d", of, i), of, policies[of]))
	}
	return w
}

func drawPod(t *rapid.T, name, of string, p written) feasibility.Pod {
	pod := pods(of, p, pick(t, "tie", "", "a", "a", "b", "a1", "a1", "a2", "b1", "b2", "a3", "?a1"))[0]
	pod.Name = name
	pod.Labels[podName] = name
	switch rapid.IntRange(0, 9).Draw(t, "limit") {
	case 0:
		pod.NodeSelector = map[string]string{zone: pick(t, "zone", "a", "b")}
	case 1:
		pod.Tolerations = []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists}}
	}
	return pod
}

// drawPolicy draws up to three rules. Most name the source.
func drawPolicy(t *rapid.T) written {
	rules := make([]written, rapid.SampledFrom([]int{0, 1, 1, 1, 2, 2, 3}).Draw(t, "number of rules"))
	for i := range rules {
		rules[i] = drawRule(t)
		if rapid.IntRange(0, 4).Draw(t, "unchanged") == 0 {
			rules[i] = unchanged(rules[i])
		}
	}
	return together(rules...)
}

func drawRule(t *rapid.T) written {
	key, of := pick(t, "key", host, zone), pick(t, "component", "", "mysql", "proxy", "mysql", "redis")
	switch pick(t, "kind", "apart", "apart", "near", "even", "even", "shifting", "keyed") {
	case "apart":
		return apart(key, of)
	case "near":
		return near(key, of)
	case "even":
		return even(key, of, drawConstraint(t))
	case "keyed":
		return keyed([]string{component}, nil)
	default:
		return drawShifting(t, key)
	}
}

// drawShifting draws a rule that selects the target's Pods before the rewrite, and others after it.
func drawShifting(t *rapid.T, key string) written {
	kind := pick(t, "shifting", "apart", "near", "even")
	return func(cluster string) feasibility.Rules {
		s := metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: instance, Operator: metav1.LabelSelectorOpNotIn, Values: []string{cluster}},
		}}
		switch kind {
		case "apart":
			return repel(corev1.PodAffinityTerm{TopologyKey: key, LabelSelector: &s})
		case "near":
			return attract(corev1.PodAffinityTerm{TopologyKey: key, LabelSelector: &s})
		default:
			return even(key, "", counting(s))(cluster)
		}
	}
}

func drawConstraint(t *rapid.T) func(*corev1.TopologySpreadConstraint) {
	skew, domains := rapid.Int32Range(1, 2).Draw(t, "maxSkew"), rapid.Int32Range(0, 3).Draw(t, "minDomains")
	affinity, taints := rapid.Bool().Draw(t, "ignoring affinity"), rapid.Bool().Draw(t, "honouring taints")
	return func(c *corev1.TopologySpreadConstraint) {
		c.MaxSkew = skew
		if domains > 0 {
			c.MinDomains = &domains
		}
		if affinity {
			ignoringAffinity(c)
		}
		if taints {
			honouringTaints(c)
		}
	}
}
