package feasibility_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

// many returns a policy of n rules like the one given. Each selects something else.
func many(n int, like func(i int) written) written {
	rules := make([]written, n)
	for i := range rules {
		rules[i] = like(i)
	}
	return together(rules...)
}

// but returns a selector of a cluster's Pods that differs from others in a value that no Pod has.
func but(cluster string, i int) *metav1.LabelSelector {
	return &metav1.LabelSelector{
		MatchLabels:      map[string]string{instance: cluster},
		MatchExpressions: []metav1.LabelSelectorRequirement{{Key: component, Operator: metav1.LabelSelectorOpNotIn, Values: []string{fmt.Sprint(i)}}},
	}
}

func racks(nodes []corev1.Node) []corev1.Node {
	for i := range nodes {
		nodes[i].Labels["example.com/rack"] = fmt.Sprint(i / 2)
	}
	return nodes
}

// hostile are worlds that a tenant could ask for to make a decision slow.
var hostile = map[string]func() feasibility.World{
	"2,000 replicas on 5,000 nodes": func() feasibility.World {
		return world(manyNodes(5000), pods("mysql", together(apart(host, ""), even(zone, ""), near(zone, "")), manyPlaces(2000, true)...))
	},
	"300 replicas with 100 rules each": func() feasibility.World {
		p := many(100, func(i int) written {
			return func(cluster string) feasibility.Rules {
				return repel(corev1.PodAffinityTerm{TopologyKey: host, LabelSelector: but(cluster, i)})
			}
		})
		return world(manyNodes(1000), pods("mysql", p, manyPlaces(300, true)...))
	},
	"100 refusals in one group": func() feasibility.World {
		p := many(100, func(i int) written {
			return func(cluster string) feasibility.Rules {
				return repel(corev1.PodAffinityTerm{TopologyKey: host, LabelSelector: but(cluster, i)})
			}
		})
		return world(manyNodes(1000), pods("mysql", p, "a1", "a1", "b1"))
	},
	"100 refusals of constraints in one group": func() feasibility.World {
		p := many(100, func(i int) written {
			return func(cluster string) feasibility.Rules {
				return even(zone, "", counting(*but(cluster, i)))(cluster)
			}
		})
		return world(manyNodes(100), pods("mysql", p, "a", "a", "a", "a", "b", "", ""))
	},
	"1,000 components": func() feasibility.World {
		var all []feasibility.Pod
		for i := range 1000 {
			of := fmt.Sprintf("c%d", i)
			all = append(all, pods(of, together(apart(host, of), even(zone, of), near(zone, of)), "a1", "a", "b")...)
		}
		return world(manyNodes(1000), all)
	},
	"free and bound, spread over everything": func() feasibility.World {
		p := together(even(zone, ""), even(host, ""), even("example.com/rack", ""), apart(host, "proxy"), near(zone, ""))
		return world(racks(manyNodes(300)), pods("mysql", p, "", "", "", "", "", "a", "b", "a1", "b1", "c"), pods("proxy", p, "", "", "a", ""))
	},
	"300 replicas, free and bound, spread": func() feasibility.World {
		places := append(manyPlaces(150, true), make([]string, 150)...)
		return world(racks(manyNodes(1000)), pods("mysql", together(even(zone, ""), even("example.com/rack", "")), places...))
	},
}

func TestHostileWorldsEnd(t *testing.T) {
	for name, w := range hostile {
		t.Run(name, func(t *testing.T) {
			w := w()
			start := cpuTime(t)
			refusals := feasibility.Decide(w)
			took := cpuTime(t) - start
			unproven := 0
			for _, r := range refusals {
				if r.Unproven {
					unproven++
				}
			}
			t.Logf("%v; %d refused, %d of them unproven", took, len(refusals), unproven)
			if took > 5*time.Second {
				t.Errorf("took %v of a processor", took)
			}
		})
	}
}

// What exceeds the bound is refused, except where no volume is bound.
func TestWorldsThatAreTooLargeAreRefused(t *testing.T) {
	w := hostile["1,000 components"]()
	w.Pods = append(w.Pods, pods("free", apart(zone, "free"), "", "")...)

	refusals := feasibility.Decide(w)

	unproven := 0
	for _, r := range refusals {
		if r.Rule.Policy == "free" {
			t.Errorf("refused beside free volumes: %v", r)
		}
		if r.Unproven {
			unproven++
		}
	}
	if len(refusals) != 3000 || unproven == 0 {
		t.Errorf("%d rules are refused, %d of them unproven; want all 3,000", len(refusals), unproven)
	}
}
