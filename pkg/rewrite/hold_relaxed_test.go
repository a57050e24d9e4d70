package rewrite

import (
	"reflect"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"
)

// relaxedCase is a policy that a rewrite changed, and then Relax.
type relaxedCase struct {
	before, stored Policy
	rewritten      Rewritten
}

// newRelaxedCase rewrites my1 to kiwi and relaxes the wanted rules.
func newRelaxedCase(t *rapid.T, before, after Policy, target Identity, leaves []Edit, wanted func(term) bool) relaxedCase {
	paths := map[string]bool{}
	for _, rule := range terms(&after) {
		paths[rule.path] = wanted(rule)
	}
	moves, _ := RelaxOnly(&after, target, func(path string) bool { return paths[path] })
	stored := apply(t, after, moves)
	edits := append(slices.Clone(leaves), moves...)
	return relaxedCase{before, stored, RewrittenRules([]Policy{before}, edits, []Policy{stored})}
}

func (c relaxedCase) hold(t *rapid.T, updated Policy) (Policy, int) {
	edits, rules := Hold([]Policy{c.stored}, []Policy{updated}, c.rewritten)
	return apply(t, updated, edits), rules
}

// spreadOf is a policy with required anti-affinity and a required spread of each of the named clusters.
func spreadOf(names ...string) Policy {
	p := apartFrom("", names...)
	p.Path = ""
	for i, name := range names {
		p.TopologySpreadConstraints = append(p.TopologySpreadConstraints, corev1.TopologySpreadConstraint{
			MaxSkew: 1, TopologyKey: []string{corev1.LabelTopologyZone, corev1.LabelTopologyRegion}[i], WhenUnsatisfiable: corev1.DoNotSchedule,
			MinDomains: ptr.To[int32](2), LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{LabelInstance: name}},
		})
	}
	return p
}

func TestHoldKeepsRulesThatBecamePreferred(t *testing.T) {
	kiwi := Identity{Namespace: "default", Name: "kiwi"}
	all := func(term) bool { return true }
	first := func(t term) bool { return t.index == 0 }
	for name, c := range map[string]struct {
		before, after Policy
		wanted        func(term) bool
		rules         int
	}{
		"all":                  {spreadOf("my1"), spreadOf("kiwi"), all, 2},
		"beside another rule":  {spreadOf("my1", "web1"), spreadOf("kiwi", "web1"), all, 2},
		"one of two rewritten": {spreadOf("my1", "my1"), spreadOf("kiwi", "kiwi"), func(t term) bool { return t.kind == spread }, 4},
		"the first rewritten":  {differently(spreadOf("my1", "my1")), differently(spreadOf("kiwi", "kiwi")), first, 4},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				r := newRelaxedCase(t, c.before, c.after, kiwi, nil, c.wanted)

				held, rules := r.hold(t, r.before)

				if !reflect.DeepEqual(held, r.stored) || rules != c.rules {
					t.Fatalf("held %d: %v\nwant %v", rules, terms(&held), terms(&r.stored))
				}
			})
		})
	}
}

// differently gives the anti-affinity rules of a policy topology keys of their own.
func differently(p Policy) Policy {
	rules := p.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	for i := range rules {
		rules[i].TopologyKey = p.TopologySpreadConstraints[i].TopologyKey
	}
	return p
}

// An older version of Rehome marked a rule with a form that a rewrite of leaves does not make.
func TestHoldIgnoresAMarkOfAnotherKindOfRule(t *testing.T) {
	g := NewWithT(t)
	stale, stored := apartFrom("", "my1"), apartFrom("", "kiwi")
	stored.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0].TopologyKey = corev1.LabelTopologyZone
	rewritten := Rewritten{digestOf("", terms(&stale)[0]): digestOf("", terms(&stored)[0])}

	held, rules := Hold([]Policy{stored}, []Policy{stale}, rewritten)

	g.Expect(held).To(BeEmpty())
	g.Expect(rules).To(BeZero())
}

// API servers refuse a Pod with two constraints of one topology key that are both ScheduleAnyway.
func TestHoldMakesNoSecondConstraintOfATopologyKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRelaxedCase(t, spreadOf("my1"), spreadOf("kiwi"), Identity{Namespace: "default", Name: "kiwi"}, nil, func(t term) bool { return t.kind == spread })
		updated := spreadOf("my1")
		anyway := spreadOf("web1").TopologySpreadConstraints[0]
		anyway.WhenUnsatisfiable, anyway.MinDomains = corev1.ScheduleAnyway, nil
		updated.TopologySpreadConstraints = append(updated.TopologySpreadConstraints, anyway)

		held, _ := r.hold(t, updated)

		if !reflect.DeepEqual(held.TopologySpreadConstraints, updated.TopologySpreadConstraints) {
			t.Fatalf("held %v", held.TopologySpreadConstraints)
		}
	})
}

// The law of Hold where rules became preferred ones: it makes no rule that neither the manifest nor the stored object has, and the
// manifest that is older than the rewrite changes no rule.
func TestHoldNeverMakesARuleThatIsNotStored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newTestCase(t)
		key := rapid.SampledFrom([]string{corev1.LabelHostname, corev1.LabelTopologyZone}).Draw(t, "relaxed")
		r := newRelaxedCase(t, c.before, c.after, c.target, c.result.Edits, func(t term) bool { return t.topologyKey == key })
		for _, updated := range []Policy{c.before, c.after, mixed(t, c.before, c.after), apply(t, genPolicy(t), nil)} {
			held, _ := r.hold(t, updated)
			known := append(rulesIn(updated), rulesIn(r.stored)...)
			for _, rule := range rulesIn(held) {
				if !slices.Contains(known, rule) {
					t.Fatalf("stored %v\nupdated %v\nheld %v", terms(&r.stored), terms(&updated), terms(&held))
				}
			}
			if len(terms(&held)) != len(terms(&updated)) {
				t.Fatalf("updated %v\nheld %v", terms(&updated), terms(&held))
			}
		}
		if held, _ := r.hold(t, c.before); !slices.Equal(rulesIn(held), rulesIn(r.stored)) {
			t.Fatalf("stored %v\nheld %v", terms(&r.stored), terms(&held))
		}
	})
}

// rulesIn returns the digests of the rules of a policy, in order.
func rulesIn(p Policy) []string {
	var digests []string
	for _, t := range terms(&p) {
		digests = append(digests, digestOf(p.Place, t))
	}
	return slices.Sorted(slices.Values(digests))
}
