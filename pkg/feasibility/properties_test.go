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
		for _, absent := range d.absences() {
			before, after := d.oracle(d.stale, absent).sure(), d.oracle(d.left, absent).sure()
			for pod := range before {
				if d.placeable[pod] && before[pod] && !after[pod] {
					t.Fatalf("%s loses its node; refused: %v\n%s", d.world.Pods[pod].Name, d.refusals, show(d.world))
				}
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
