package rewrite

import (
	"reflect"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
)

// apartFrom is a policy at a place with required anti-affinity against each of the named clusters.
func apartFrom(place string, names ...string) Policy {
	anti := &corev1.PodAntiAffinity{}
	for _, name := range names {
		anti.RequiredDuringSchedulingIgnoredDuringExecution = append(anti.RequiredDuringSchedulingIgnoredDuringExecution, corev1.PodAffinityTerm{
			TopologyKey:   corev1.LabelHostname,
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{LabelInstance: name}},
		})
	}
	return Policy{Path: "/spec/" + place, Place: place, Affinity: &corev1.Affinity{PodAntiAffinity: anti}}
}

func TestHold(t *testing.T) {
	const a, b = "componentSpecs/a", "componentSpecs/b"
	rewritten := RewrittenRules([]Policy{apartFrom(a, "my1")}, nil, []Policy{apartFrom(a, "kiwi")})
	for name, c := range map[string]struct {
		old, updated []Policy
		held         []string
	}{
		"the stale rule instead of the rewritten one": {
			[]Policy{apartFrom(a, "kiwi")}, []Policy{apartFrom(a, "my1")},
			[]string{"/spec/componentSpecs/a/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0/labelSelector"},
		},
		"the stale rule at another index": {
			[]Policy{apartFrom(a, "kiwi", "web1")}, []Policy{apartFrom(a, "web1", "my1")},
			[]string{"/spec/componentSpecs/a/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/1/labelSelector"},
		},
		"two stale rules for one rewritten rule": {
			[]Policy{apartFrom(a, "kiwi")}, []Policy{apartFrom(a, "my1", "my1")},
			[]string{"/spec/componentSpecs/a/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0/labelSelector"},
		},
		"no change":                            {[]Policy{apartFrom(a, "kiwi")}, []Policy{apartFrom(a, "kiwi")}, nil},
		"a rule that is still stale":           {[]Policy{apartFrom(a, "my1")}, []Policy{apartFrom(a, "my1")}, nil},
		"a stale rule beside the rewritten":    {[]Policy{apartFrom(a, "kiwi")}, []Policy{apartFrom(a, "kiwi", "my1")}, nil},
		"the rewritten rule goes, stale stays": {[]Policy{apartFrom(a, "kiwi", "my1")}, []Policy{apartFrom(a, "my1")}, nil},
		"the rewritten rule goes":              {[]Policy{apartFrom(a, "kiwi")}, []Policy{apartFrom(a)}, nil},
		"a stale rule without the rewritten":   {[]Policy{apartFrom(a)}, []Policy{apartFrom(a, "my1")}, nil},
		"another rule":                         {[]Policy{apartFrom(a, "kiwi")}, []Policy{apartFrom(a, "web1")}, nil},
		"the same rules at another place":      {[]Policy{apartFrom(b, "kiwi")}, []Policy{apartFrom(b, "my1")}, nil},
		"a stale rule at a new place":          {[]Policy{apartFrom(a, "kiwi")}, []Policy{apartFrom(a, "kiwi"), apartFrom(b, "my1")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			var held []string
			edits, rules := Hold(c.old, c.updated, rewritten)
			for _, edit := range edits {
				held = append(held, edit.Path)
			}
			g.Expect(held).To(Equal(c.held))
			g.Expect(rules).To(Equal(len(c.held)))
		})
	}
}

func TestHoldNeedsAMarkOfTheSameCluster(t *testing.T) {
	g := NewWithT(t)
	kiwi := Identity{Namespace: "default", Name: "kiwi"}
	rules := RewrittenRules([]Policy{apartFrom("", "my1")}, nil, []Policy{apartFrom("", "kiwi")})
	mark := NewMark(kiwi, rules).String()

	g.Expect(ReadMark(mark, kiwi)).To(Equal(rules))
	g.Expect(ReadMark(mark, Identity{Namespace: "default", Name: "plum"})).To(BeEmpty())
	g.Expect(ReadMark(mark, Identity{Namespace: "prod", Name: "kiwi"})).To(BeEmpty())
	g.Expect(ReadMark("{", kiwi)).To(BeEmpty())
	g.Expect(ReadMark(`{"namespace":"default","name":"kiwi","rules":{"a":"b"}}`, kiwi)).To(BeEmpty())
}

func TestTheSizeOfAMarkIsBounded(t *testing.T) {
	g := NewWithT(t)
	var before, after []Policy
	for range 40 {
		stale, now := make([]string, 50), make([]string, 50)
		for i := range stale {
			stale[i], now[i] = "my1", "kiwi"
		}
		place := "componentSpecs/" + string(rune('a'+len(before)))
		before, after = append(before, apartFrom(place, stale...)), append(after, apartFrom(place, now...))
	}
	for i := range 1000 {
		place := "instances/" + string(rune('a'+i))
		before, after = append(before, apartFrom(place, "my1")), append(after, apartFrom(place, "kiwi"))
	}
	rules := RewrittenRules(before, nil, after)

	g.Expect(rules).To(HaveLen(maxRewritten))
	g.Expect(rules.And(RewrittenRules([]Policy{apartFrom("", "my1")}, nil, []Policy{apartFrom("", "kiwi")}))).To(HaveLen(maxRewritten))
	g.Expect(len(NewMark(Identity{Name: "kiwi"}, rules).String())).To(BeNumerically("<", 20<<10))
}

// The law of Hold: it returns what was rewritten, and nothing else changes.
func TestHoldReturnsWhatWasRewrittenAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newTestCase(t)
		rewritten := RewrittenRules([]Policy{c.before}, nil, []Policy{c.after})
		old := []Policy{c.after}
		// updated has some stale rules again, and rules of its own behind them.
		updated := mixed(t, c.before, c.after)
		want := c.after
		own := rapid.SliceOfN(rapid.Custom(genPodTerm), 0, 2).Draw(t, "own")
		own = slices.DeleteFunc(own, func(o corev1.PodAffinityTerm) bool {
			p := Policy{Place: c.before.Place, Affinity: &corev1.Affinity{PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{o}}}}
			_, stale := rewritten[digestOf(p.Place, terms(&p)[0])]
			return stale
		})
		updated, want = withOwn(updated, own), withOwn(want, own)
		updated, want = apply(t, updated, nil), apply(t, want, nil)

		held := apply(t, updated, heldBy(old, []Policy{updated}, rewritten))

		if !reflect.DeepEqual(held, want) {
			t.Fatalf("updated %v\nheld %v\nwant %v", terms(&updated), terms(&held), terms(&want))
		}
	})
}

// Where a rule is still stale, Hold does nothing, whatever else changes.
func TestHoldNeverRewrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newTestCase(t)
		rewritten := RewrittenRules([]Policy{c.before}, nil, []Policy{c.after})
		other := apply(t, genPolicy(t), nil)
		for _, updated := range []Policy{c.before, c.after, other} {
			if held := heldBy([]Policy{c.before}, []Policy{updated}, rewritten); len(held) > 0 {
				t.Fatalf("held %v", held)
			}
		}
		for _, old := range []Policy{c.before, c.after} {
			for _, edit := range heldBy([]Policy{old}, []Policy{other}, rewritten) {
				t.Logf("held %v", edit)
			}
			again := apply(t, other, heldBy([]Policy{old}, []Policy{other}, rewritten))
			if more := heldBy([]Policy{old}, []Policy{again}, rewritten); len(more) > 0 {
				t.Fatalf("held again %v", more)
			}
		}
	})
}

func heldBy(old, updated []Policy, rewritten Rewritten) []Edit {
	edits, _ := Hold(old, updated, rewritten)
	return edits
}

// mixed returns a policy that has each rule in one of its two forms.
func mixed(t *rapid.T, before, after Policy) Policy {
	updated := after
	updated.Affinity = after.Affinity.DeepCopy()
	updated.TopologySpreadConstraints = slices.Clone(after.TopologySpreadConstraints)
	stale := func() bool { return rapid.Bool().Draw(t, "stale") }
	mix := func(to, from []corev1.PodAffinityTerm) {
		for i := range to {
			if stale() {
				to[i] = from[i]
			}
		}
	}
	mixWeighted := func(to, from []corev1.WeightedPodAffinityTerm) {
		for i := range to {
			if stale() {
				to[i] = from[i]
			}
		}
	}
	if a := updated.Affinity; a != nil && a.PodAffinity != nil {
		mix(a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution, before.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution)
		mixWeighted(a.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution, before.Affinity.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if a := updated.Affinity; a != nil && a.PodAntiAffinity != nil {
		mix(a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution, before.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution)
		mixWeighted(a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution, before.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	for i := range updated.TopologySpreadConstraints {
		if stale() {
			updated.TopologySpreadConstraints[i] = before.TopologySpreadConstraints[i]
		}
	}
	return updated
}

// withOwn appends required affinity terms.
func withOwn(p Policy, own []corev1.PodAffinityTerm) Policy {
	if p.Affinity == nil || p.Affinity.PodAffinity == nil {
		return p
	}
	p.Affinity = p.Affinity.DeepCopy()
	p.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution = append(p.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution, own...)
	return p
}

// Rules that are equal can list their values in another order. A held rule is the one that stood at its index, byte for byte.
func TestHoldTakesTheRuleAtTheSameIndex(t *testing.T) {
	policy := func(values ...[]string) Policy {
		p := apartFrom("", make([]string, len(values))...)
		for i := range values {
			p.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[i].LabelSelector = &metav1.LabelSelector{
				MatchExpressions: []metav1.LabelSelectorRequirement{{Key: LabelInstance, Operator: metav1.LabelSelectorOpIn, Values: values[i]}},
			}
		}
		return p
	}
	before, after := policy([]string{"my1", "web1"}, []string{"web1", "my1"}), policy([]string{"kiwi", "web1"}, []string{"web1", "kiwi"})
	updated := policy([]string{"kiwi", "web1"}, []string{"web1", "my1"})

	held, _ := Hold([]Policy{after}, []Policy{updated}, RewrittenRules([]Policy{before}, nil, []Policy{after}))

	g := NewWithT(t)
	g.Expect(held).To(HaveLen(1))
	g.Expect(held[0].To).To(HaveField("MatchExpressions", ConsistOf(HaveField("Values", []string{"web1", "kiwi"}))))
}
