package conformance

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// statement says of two placements that the scheduler makes the same of both.
type statement struct {
	name string
	// sides returns the two, given the policy after the rewrite.
	sides func(s *scenario, after policy) [2]side
}

// Laws 1 and 3.
func TestTargetTakesTheSourcesPlaceAmongStrangers(t *testing.T) {
	holds(t, statement{
		name: "the target takes the source's place among strangers",
		sides: func(s *scenario, after policy) [2]side {
			return [2]side{
				s.of(source, s.policy, "before: the source with its policy"),
				s.of(s.target, after, "after: the target with the rewritten policy"),
			}
		},
	})
}

// Law 2.
func TestSourceIsToTheTargetLikeAClusterNamedNowhere(t *testing.T) {
	holds(t, statement{
		name: "the source is to the target like a cluster named nowhere",
		sides: func(s *scenario, after policy) [2]side {
			return [2]side{
				s.beside(nowhere, after, "the target beside a cluster named nowhere"),
				s.beside(source, after, "the target beside the source"),
			}
		},
	})
}

// holds checks a statement against generated scenarios.
func holds(t *testing.T, st statement) {
	kube, err := newScheduler(namespaces())
	if err != nil {
		t.Fatal(err)
	}
	c := tally{statement: st.name}
	start := time.Now()
	defer func() { // A failed check does not return.
		c.took = time.Since(start)
		report(t, c)
	}()
	rapid.Check(t, func(t *rapid.T) {
		s := scenarios.Draw(t, "scenario")
		c.add(st.check(t, kube, &s))
	})
}

// check fails the test, with the scenario as YAML, where the statement does not hold. It returns what kind of case it was.
func (st statement) check(t *rapid.T, kube *scheduler, s *scenario) (c traits) {
	edits := s.policy.rewriteFor(s.asKnown()).Edits
	after, err := s.policy.with(edits)
	if err != nil {
		t.Fatal(err)
	}
	sides := st.ask(t, kube, s, after)
	if !agree(sides) {
		t.Log("\n" + s.reproduction(st.name, edits, sides))
		t.Fatalf("%s: does not hold. The smallest case that was found is below, as YAML.", st.name)
	}
	c.edited = len(edits) > 0
	c.decided = slices.ContainsFunc(sides[0].opinions, func(o opinion) bool { return o != opinion{node: o.node} })
	c.telling = c.edited && !agree(st.ask(t, kube, s, s.policy))
	return c
}

// ask puts both sides to the scheduler.
func (st statement) ask(t *rapid.T, kube *scheduler, s *scenario, after policy) [2]side {
	sides := st.sides(s, after)
	for i := range sides {
		if err := s.ask(kube, &sides[i]); err != nil {
			t.Log("\n" + s.reproduction(st.name, nil, sides))
			t.Fatal(err)
		}
	}
	return sides
}

func agree(sides [2]side) bool { return slices.Equal(sides[0].opinions, sides[1].opinions) }
