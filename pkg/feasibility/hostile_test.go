package feasibility_test

import (
	"fmt"
	"runtime"
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
	"16,000 terms of node affinity on 5,000 nodes": func() feasibility.World {
		affinity := &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{}}
		for i := range 16_000 {
			affinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms = append(
				affinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms, corev1.NodeSelectorTerm{
					MatchExpressions: []corev1.NodeSelectorRequirement{{Key: fmt.Sprint(i), Operator: corev1.NodeSelectorOpExists}},
				})
		}
		w := world(manyNodes(5000), alike(apart(host, ""), manyPlaces(100, true)...))
		for i := range w.Pods {
			w.Pods[i].Rewritten.Affinity.NodeAffinity = affinity
		}
		return w
	},
	"1,000 replicas with 100 rules each": func() feasibility.World {
		p := many(100, func(i int) written {
			return func(cluster string) feasibility.Rules {
				return repel(corev1.PodAffinityTerm{TopologyKey: host, LabelSelector: but(cluster, i)})
			}
		})
		return world(manyNodes(30), alike(p, manyPlaces(1000, true)...))
	},
	"4,000 constraints with a key each": func() feasibility.World {
		p := many(4000, func(i int) written {
			return func(cluster string) feasibility.Rules {
				return even(fmt.Sprintf("key-%d", i), "", counting(*but(cluster, i)))(cluster)
			}
		})
		return world(manyNodes(5000), alike(p, manyPlaces(25, true)...))
	},
	"500 replicas with 200 rules that have 100 values each": func() feasibility.World {
		p := many(200, func(i int) written {
			return func(cluster string) feasibility.Rules {
				selector := but(cluster, i)
				for j := range 100 {
					selector.MatchExpressions[0].Values = append(selector.MatchExpressions[0].Values, fmt.Sprintf("%063d", j))
				}
				return repel(corev1.PodAffinityTerm{TopologyKey: host, LabelSelector: selector, MatchLabelKeys: []string{podName}})
			}
		})
		return world(manyNodes(1000), alike(p, manyPlaces(500, true)...))
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
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := cpuTime(t)
			budget := feasibility.NewBudget()
			refusals := feasibility.DecideWithin(w, budget)
			feasibility.Groups(w, budget)
			took := cpuTime(t) - start
			runtime.ReadMemStats(&after)
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			unproven := 0
			for _, r := range refusals {
				if r.Unproven {
					unproven++
				}
			}
			t.Logf("%v, %d MiB; %d refused, %d of them unproven", took, allocated, len(refusals), unproven)
			if took > 5*time.Second {
				t.Errorf("took %v of a processor", took)
			}
			if allocated > 512 { // most of it is garbage at once
				t.Errorf("allocated %d MiB", allocated)
			}
		})
	}
}

// alike returns Pods like pods does, but all have the same rules, and so cost little to make.
func alike(p written, places ...string) []feasibility.Pod {
	all := pods("mysql", unruled, places...)
	stale, rewritten := p(source), p(target)
	for i := range all {
		all[i].Stale, all[i].Rewritten = stale, rewritten
	}
	return all
}

func unruled(string) feasibility.Rules { return feasibility.Rules{} }

// long is a node affinity of about 100 KB that takes every node.
func long() *corev1.NodeAffinity {
	values := make([]string, 1500)
	for i := range values {
		values[i] = fmt.Sprintf("%063d", i)
	}
	return &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
		MatchExpressions: []corev1.NodeSelectorRequirement{{Key: host, Operator: corev1.NodeSelectorOpNotIn, Values: values}},
	}}}}
}

// manyKeys are anti-affinity terms about a component, each with a key of its own.
func manyKeys(n int) feasibility.Rules {
	terms := make([]corev1.PodAffinityTerm, n)
	for i := range terms {
		terms[i] = term(fmt.Sprintf("%s-%d", zone, i), labels(target, "mysql"))
	}
	return repel(terms...)
}

// Two Restores ask where the volumes are, each with many rules, and one database Pod after another.
func TestQuestionsAboutHostileWorldsEnd(t *testing.T) {
	many := many(50, func(i int) written { return apart(fmt.Sprintf("key-%d", i), "mysql") })
	for name, w := range map[string]feasibility.World{
		"200 replicas with 100 KB of node affinity":   world(manyNodes(1000), pods("mysql", apart(host, ""), manyPlaces(200, true)...)),
		"1,000 replicas on 5,000 nodes, with 50 keys": world(manyNodes(5000), alike(many, manyPlaces(1000, true)...)),
	} {
		t.Run(name, func(t *testing.T) {
			affinity := long()
			for i := range w.Pods {
				w.Pods[i].Rewritten.Affinity.NodeAffinity = affinity
			}
			start := cpuTime(t)
			o := feasibility.NewOccupancy(&w, feasibility.NewBudget())
			all := func(*feasibility.Pod) bool { return true }
			for range 2 {
				o.Occupied(manyKeys(2000), all)
			}
			one, known := feasibility.Rules{}, true
			one.Affinity = w.Pods[0].Rewritten.Affinity
			for i := range w.Pods {
				_, known = o.Occupied(one, func(p *feasibility.Pod) bool { return p == &w.Pods[i] })
			}
			took := cpuTime(t) - start
			t.Logf("%v; the last answer is known: %v", took, known)
			if took > 5*time.Second {
				t.Errorf("took %v of a processor", took)
			}
		})
	}
}

// Once the budget is spent, nothing counts as free, and nothing is admitted.
func TestWithoutBudgetNothingIsAdmitted(t *testing.T) {
	w := world(nodes("a1 b1"), pods("mysql", apart(host, ""), "a1", "b1"))
	if refusals := feasibility.Decide(w); len(refusals) > 0 {
		t.Fatalf("refused: %v", refusals)
	}
	b := feasibility.SpentBudget()
	o := feasibility.NewOccupancy(&w, b)

	refusals := feasibility.DecideWithin(w, b)
	if len(refusals) != 1 || !refusals[0].Unproven {
		t.Errorf("refused: %v", refusals)
	}
	if _, ok := o.Occupied(apart(host, "")(target), func(*feasibility.Pod) bool { return true }); ok {
		t.Error("an answer is known without budget")
	}
}

// A decision can be asked for each of a thousand Pods.
func TestWithoutBudgetADecisionCostsNothing(t *testing.T) {
	p := even(zone, "")
	w := world(manyNodes(10), pods("mysql", p, manyPlaces(500, true)...), pods("proxy", p, manyPlaces(500, true)...))
	for i := range w.Pods {
		for j := range 100 {
			w.Pods[i].Labels[fmt.Sprint("key-", j)] = fmt.Sprint(i)
		}
	}
	b := feasibility.SpentBudget()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		feasibility.DecideWithin(w, b)
		feasibility.Groups(w, b)
	}
	runtime.ReadMemStats(&after)
	if allocated := (after.TotalAlloc - before.TotalAlloc) >> 20; allocated > 4 {
		t.Errorf("allocated %d MiB", allocated)
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
