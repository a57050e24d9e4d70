package conformance

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// property says that the scheduler gives two placements the same results.
type property struct {
	name string
	// sides returns the two placements, given the rewritten policy.
	sides func(s *scenario, rewritten policy) [2]side
}

// Laws 1 and 3.
func TestTargetTakesTheSourcesPlaceAmongStrangers(t *testing.T) {
	checkProperty(t, property{
		name: "the target takes the source's place among strangers",
		sides: func(s *scenario, rewritten policy) [2]side {
			return [2]side{
				s.sideOf(source, s.policy, "before: the source with its policy"),
				s.sideOf(s.target, rewritten, "after: the target with the rewritten policy"),
			}
		},
	})
}

// Law 2.
func TestTargetTreatsTheSourceLikeAnUnnamedCluster(t *testing.T) {
	checkProperty(t, property{
		name: "the target treats the source like an unnamed cluster",
		sides: func(s *scenario, rewritten policy) [2]side {
			return [2]side{
				s.targetBeside(unnamed, rewritten, "the target beside an unnamed cluster"),
				s.targetBeside(source, rewritten, "the target beside the source"),
			}
		},
	})
}

// checkProperty checks a property on generated scenarios.
func checkProperty(t *testing.T, p property) {
	kube, err := newScheduler(namespaces())
	if err != nil {
		t.Fatal(err)
	}
	c := caseCounts{property: p.name}
	start := time.Now()
	defer func() { // A failed check does not return.
		c.took = time.Since(start)
		recordCounts(t, c)
	}()
	rapid.Check(t, func(t *rapid.T) {
		s := scenarios.Draw(t, "scenario")
		c.add(p.check(t, kube, &s))
	})
}

// check fails the test, and logs the scenario as YAML, when the property does not hold.
func (p property) check(t *rapid.T, kube *scheduler, s *scenario) (c traits) {
	edits := s.policy.rewriteFor(s.knownTarget()).Edits
	rewritten, err := s.policy.with(edits)
	if err != nil {
		t.Fatal(err)
	}
	sides := p.evaluate(t, kube, s, rewritten)
	if !sameResults(sides) {
		t.Log("\n" + s.reproduction(p.name, edits, sides))
		t.Fatalf("%s: does not hold. The smallest case found is logged below as YAML.", p.name)
	}
	c.edited = len(edits) > 0
	c.constrained = slices.ContainsFunc(sides[0].results, func(r nodeResult) bool { return r != nodeResult{node: r.node} })
	c.needsRewrite = c.edited && !sameResults(p.evaluate(t, kube, s, s.policy))
	return c
}

// evaluate runs the scheduler on both sides.
func (p property) evaluate(t *rapid.T, kube *scheduler, s *scenario, rewritten policy) [2]side {
	sides := p.sides(s, rewritten)
	for i := range sides {
		if err := s.evaluate(kube, &sides[i]); err != nil {
			t.Log("\n" + s.reproduction(p.name, nil, sides))
			t.Fatal(err)
		}
	}
	return sides
}

func sameResults(sides [2]side) bool { return slices.Equal(sides[0].results, sides[1].results) }
