package feasibility_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

// The invariant: a Pod that surely finds a node under the stale rules finds one under those that a decision leaves.
func TestNoPodLosesItsNode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := decide(drawWorld(t))
		closedBefore, closedAfter := d.drawOutsiders(t)
		before, after := d.oracle(d.stale, closedBefore).sure(), d.oracle(d.left, closedAfter).sure()
		for pod := range before {
			if d.placeable[pod] && before[pod] && !after[pod] {
				t.Fatalf("%s loses its node; refused: %v, closed %v, then %v\n%s", d.world.Pods[pod].Name, d.refusals, closedBefore, closedAfter, show(d.world))
			}
		}
	})
}

// A refusal of the only rule in question is never for nothing: some play ends with a Pod without a node, which it would find if
// the rule were not there.
func TestRefusalsHaveAReason(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := pick(t, "key", host, zone)
		d := decide(drawComponent(t, pick(t, "rule",
			apart(key, ""), near(key, ""), even(key, "", drawConstraint(t)), apart(key, "mysql"), even(key, "mysql"))))
		if len(d.refusals) == 0 {
			return
		}
		if d.refusals[0].Unproven {
			t.Fatalf("a small world has to be decided: %v\n%s", d.refusals, show(d.world))
		}
		if d = d.unrefused(); !d.harms() {
			t.Fatalf("refused for nothing: %v\n%s", d.refusals, show(d.world))
		}
	})
}

// Anti-affinity on one key is decided exactly.
func TestAntiAffinityIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := decide(drawComponent(t, apart(pick(t, "key", host, zone), pick(t, "component", "", "mysql"))))
		if refused, harms := len(d.refusals) > 0, d.unrefused().harms(); refused != harms {
			t.Fatalf("refused %v, harms %v: %v\n%s", refused, harms, d.refusals, show(d.world))
		}
	})
}

// The proof, which decides groups that are too large to search, never admits what the search refuses.
func TestProofAgreesWithSearch(t *testing.T) {
	proven, searched := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := drawLargerWorld(t)
		for _, o := range feasibility.Opinions(w) {
			if o.Proven && o.Harm {
				t.Fatalf("proven, and yet it harms:\n%s", show(w))
			}
			if o.Proven {
				proven++
			}
			if o.Complete && !o.Harm {
				searched++
			}
		}
	})
	t.Logf("of %d groups that are harmless, the proof admits %d", searched, proven)
}

// drawLargerWorld draws a world of up to six Pods on up to nine nodes.
func drawLargerWorld(t *rapid.T) feasibility.World {
	w := world(nodes("a1 a2 a3 b1 b2 b3 c1 c2 c3")[:rapid.IntRange(3, 9).Draw(t, "number of nodes")])
	if rapid.Bool().Draw(t, "racks") {
		for i := range w.Nodes {
			w.Nodes[i].Labels["rack"] = fmt.Sprint(i % 4)
		}
	}
	rules := make([]written, rapid.IntRange(1, 3).Draw(t, "number of rules"))
	for i := range rules {
		rules[i] = drawLargerRule(t)
	}
	for i := range rapid.IntRange(2, 6).Draw(t, "number of Pods") {
		place := pick(t, "tie", "", "a", "a", "b", "b", "c", "c", "a1", "a2", "b1", "b2", "c1", "c2", "a3")
		pod := pods("mysql", together(rules...), place)[0]
		pod.Name = fmt.Sprintf("mysql-%d", i)
		pod.Labels[podName] = pod.Name
		if rapid.IntRange(0, 4).Draw(t, "other component") == 0 {
			pod.Labels[component] = "proxy"
		}
		w.Pods = append(w.Pods, pod)
	}
	return w
}

func drawLargerRule(t *rapid.T) written {
	key, of := pick(t, "key", host, zone, host, zone, "rack"), pick(t, "component", "", "mysql", "mysql", "proxy")
	switch pick(t, "kind", "apart", "apart", "near", "even") {
	case "apart":
		return apart(key, of)
	case "near":
		return near(key, of)
	default:
		return even(key, of, maxSkew(rapid.Int32Range(1, 3).Draw(t, "maxSkew")))
	}
}

// drawComponent draws a world of one component.
func drawComponent(t *rapid.T, p written) feasibility.World {
	w := world(drawNodes(t, false))
	for i := range rapid.IntRange(1, 4).Draw(t, "number of Pods") {
		w.Pods = append(w.Pods, drawPod(t, fmt.Sprintf("mysql-%d", i), "mysql", p))
	}
	return w
}

func show(w feasibility.World) string {
	var b strings.Builder
	for _, n := range w.Nodes {
		fmt.Fprintf(&b, "node %s %v taints %v cordoned %v\n", n.Name, n.Labels, n.Spec.Taints, n.Spec.Unschedulable)
	}
	text, err := yaml.Marshal(w.Pods)
	fmt.Fprintf(&b, "%s%v\n", text, err)
	return b.String()
}
