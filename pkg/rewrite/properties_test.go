package rewrite

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) {
	// More than the default of 100; -rapid.checks overrides this.
	if err := flag.Set("rapid.checks", "500"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// rules is the JSON form of a Policy.
type rules struct {
	Affinity                  *corev1.Affinity                  `json:"affinity,omitempty"`
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`
}

// apply applies edits to the JSON of a policy. Each edit must find its old value.
func apply(t *rapid.T, p Policy, edits []Edit) Policy {
	document, err := json.Marshal(rules{p.Affinity, p.TopologySpreadConstraints})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(operations(edits))
	if err != nil {
		t.Fatal(err)
	}
	patch, err := jsonpatch.DecodePatch(data)
	if err != nil {
		t.Fatal(err)
	}
	patched, err := patch.Apply(document)
	if err != nil {
		t.Fatalf("edits %s do not apply: %v", data, err)
	}
	var r rules
	if err := json.Unmarshal(patched, &r); err != nil {
		t.Fatal(err)
	}
	p.Affinity, p.TopologySpreadConstraints = r.Affinity, r.TopologySpreadConstraints
	return p
}

func operations(edits []Edit) []map[string]any {
	list := []map[string]any{}
	for _, e := range edits {
		op := "replace"
		switch {
		case e.From == nil:
			op = "add"
		case e.To == nil:
			op = "remove"
		}
		if e.From != nil {
			list = append(list, map[string]any{"op": "test", "path": e.Path, "value": e.From})
		}
		list = append(list, map[string]any{"op": op, "path": e.Path, "value": e.To})
	}
	return list
}

// testCase is one rewrite of a generated policy that was inherited unchanged.
type testCase struct {
	source Source
	target Identity
	before Policy
	after  Policy
	result Result
}

func newTestCase(t *rapid.T) testCase {
	var c testCase
	c.source, c.target = genIdentities(t)
	c.before = genPolicy(t)
	// JSON turns an empty list into a missing one, as in any real object.
	c.before = apply(t, c.before, nil)
	c.source.Policies = []Policy{c.before}
	c.result = c.rewrite(c.before)
	c.after = apply(t, c.before, c.result.Edits)
	return c
}

func (c testCase) rewrite(live Policy) Result {
	return Rewrite(Input{Sources: []Source{c.source}, Target: c.target, Live: []Policy{live}})
}

// kept reports whether a rule that names the source was kept with a finding.
func (c testCase) kept(t term) bool {
	return slices.ContainsFunc(c.result.Findings, func(f Finding) bool {
		return f.Path == t.path && (f.Class == Generated || f.Class == NamespaceShift || f.Class == ThirdParty)
	}) && !slices.ContainsFunc(c.result.Findings, func(f Finding) bool { return f.Path == t.path && f.Class == SourceIdentity })
}

// stays reports whether the laws do not apply to a rule: it was kept with a finding, or it names no source and has explicit
// namespaces, which it keeps in another namespace too.
func (c testCase) stays(t term) bool {
	r := newRenamer([]Source{c.source}, c.target, nil)
	return c.kept(t) || !r.named(t.selector).source && !t.implicitNamespace() && r.moved()
}

// checkLaws returns the law that the rewrite of one term breaks and a Pod that shows it; empty where it breaks none.
func (c testCase) checkLaws(s, r term) string {
	// A rule for its Pod's own namespace moves with the Pod. Then every Pod of the source's namespace is compared with the same
	// Pod in the target's.
	relative := s.implicitNamespace()
	home := func(namespace string) string {
		if relative && namespace == c.source.Namespace {
			return c.target.Namespace
		}
		return namespace
	}
	S := func(p pod) bool { return selectsPod(s, c.source.Namespace, p) }
	R := func(p pod) bool { p.namespace = home(p.namespace); return selectsPod(r, c.target.Namespace, p) }
	for _, k := range podShapes() {
		if c.target.UID == "" && !k.hasNameAndUID() {
			continue
		}
		src, tgt := k.of(c.source.Identity), k.of(c.realTarget())
		if selectsPod(r, c.target.Namespace, tgt) != S(src) {
			return "law 1, the target takes the source's place: " + tgt.String()
		}
		if R(src) != S(k.of(nowhere(c.source.Namespace))) {
			return "law 2, the source becomes a stranger: " + src.String()
		}
	}
	for _, v := range strangers() {
		if relative && v.namespace != c.source.Namespace {
			continue
		}
		if R(v) != S(v) {
			return "law 3, strangers stay strangers: " + v.String()
		}
	}
	return ""
}

// realTarget is the target once it has a UID.
func (c testCase) realTarget() Identity {
	target := c.target
	target.UID = "uid-carrot67"
	return target
}

func TestLawsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newTestCase(t)
		before, after := terms(&c.before), terms(&c.after)
		for i := range before {
			if c.stays(before[i]) {
				if !reflect.DeepEqual(before[i], after[i]) {
					t.Fatalf("%s was changed, but must be kept", before[i].path)
				}
				continue
			}
			if broken := c.checkLaws(before[i], after[i]); broken != "" {
				t.Fatalf("%s\nedits %v\nfindings %v", broken, c.result.Edits, c.result.Findings)
			}
		}
	})
}

func TestRewriteOfARewriteIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newTestCase(t)
		if again := c.rewrite(c.after); len(again.Edits) > 0 || len(again.Of(Intended)) > 0 {
			t.Fatalf("edits %v\nagain %v", c.result.Edits, again)
		}
	})
}

// TestRewriteOfARewriteIsEmptyWithoutASnapshot has a source that a person named.
func TestRewriteOfARewriteIsEmptyWithoutASnapshot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newTestCase(t)
		options := Options{ScopeUnscoped: rapid.Bool().Draw(t, "scopeUnscoped")}
		c.source.Policies = nil
		rewrite := func(p Policy) Result {
			live := []Policy{p}
			return Prepare([]Source{c.source}, c.target, options).WithPolicies(live).Rewrite(live)
		}
		first := rewrite(c.before)
		if again := rewrite(apply(t, c.before, first.Edits)); len(again.Edits) > 0 {
			t.Fatalf("edits %v\nagain %v", first.Edits, again.Edits)
		}
	})
}

func TestEveryEditIsNeeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newTestCase(t)
		for _, edits := range c.separable() {
			others := slices.DeleteFunc(slices.Clone(c.result.Edits), func(e Edit) bool {
				return slices.ContainsFunc(edits, func(undone Edit) bool { return undone.Path == e.Path })
			})
			if !c.breaks(apply(t, c.before, others)) {
				t.Fatalf("the edits %v are not needed", edits)
			}
		}
	})
}

// separable returns the groups of edits that can be undone alone. A group is one edit, or all edits of a selector where a
// requirement on the name can replace one on the UID.
func (c testCase) separable() [][]Edit {
	if c.target.UID != "" {
		return slices.Collect(slices.Chunk(c.result.Edits, 1))
	}
	bySelector := map[string][]Edit{}
	for _, e := range c.result.Edits {
		selector, _, _ := strings.Cut(e.Path, "/match")
		bySelector[selector] = append(bySelector[selector], e)
	}
	return slices.Collect(maps.Values(bySelector))
}

// breaks reports whether a policy breaks a law, or names the source, where the rewritten one does not.
func (c testCase) breaks(p Policy) bool {
	r := newRenamer([]Source{c.source}, c.target, nil)
	before, after := terms(&c.before), terms(&p)
	for i := range before {
		if c.stays(before[i]) {
			continue
		}
		if r.named(after[i].selector).source || c.namesSourceNamespace(after[i]) || c.checkLaws(before[i], after[i]) != "" {
			return true
		}
	}
	return false
}

// namesSourceNamespace reports whether a rule has the source's namespace explicitly although the target is in another one.
func (c testCase) namesSourceNamespace(t term) bool {
	if t.pods == nil || c.target.Namespace == c.source.Namespace {
		return false
	}
	r := newRenamer([]Source{c.source}, c.target, nil)
	return canonicalOf(t) != canonicalOf(term{kind: t.kind, topologyKey: t.topologyKey, required: t.required, weight: t.weight,
		selector: t.selector, pods: r.namespaces(t.pods)})
}

func TestOrderOfRulesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newTestCase(t)
		shuffled := c.before
		shuffled.Affinity = c.before.Affinity.DeepCopy()
		shuffled.TopologySpreadConstraints = rapid.Permutation(c.before.TopologySpreadConstraints).Draw(t, "spread order")
		if a := shuffled.Affinity.PodAntiAffinity; a != nil {
			a.RequiredDuringSchedulingIgnoredDuringExecution = rapid.Permutation(a.RequiredDuringSchedulingIgnoredDuringExecution).Draw(t, "order")
		}
		result := c.rewrite(shuffled)
		if got, want := canonicalTerms(apply(t, shuffled, result.Edits)), canonicalTerms(c.after); !slices.Equal(got, want) {
			t.Fatalf("edits %v in one order, %v in another", c.result.Edits, result.Edits)
		}
		if len(result.Findings) != len(c.result.Findings) {
			t.Fatalf("findings %v in one order, %v in another", c.result.Findings, result.Findings)
		}
	})
}

func canonicalTerms(p Policy) []string {
	var all []string
	for _, t := range terms(&p) {
		all = append(all, canonicalOf(t))
	}
	slices.Sort(all)
	return all
}

func TestEveryRuleThatNamesTheSourceHasAFinding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newTestCase(t)
		r := newRenamer([]Source{c.source}, c.target, nil)
		for _, term := range terms(&c.before) {
			found := slices.ContainsFunc(c.result.Findings, func(f Finding) bool { return f.Path == term.path })
			if r.named(term.selector).source && !found {
				t.Fatalf("no finding for %s", fmt.Sprint(term.selector))
			}
		}
	})
}
