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
	// The default of 100 is soon done; -rapid.checks still overrides this.
	if err := flag.Set("rapid.checks", "500"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// rules is a Policy as JSON knows it.
type rules struct {
	Affinity                  *corev1.Affinity                  `json:"affinity,omitempty"`
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`
}

// apply applies edits to a policy by the way of its JSON. Each edit must find the value that it says was there.
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

// trial is one rewrite of a generated policy that was inherited as it is.
type trial struct {
	source Source
	target Identity
	before Policy
	after  Policy
	result Result
}

func newTrial(t *rapid.T) trial {
	var tr trial
	tr.source, tr.target = genIdentities(t)
	tr.before = genPolicy(t)
	// The way of JSON makes an empty list a missing one, as in any real object.
	tr.before = apply(t, tr.before, nil)
	tr.source.Policies = []Policy{tr.before}
	tr.result = tr.rewrite(tr.before)
	tr.after = apply(t, tr.before, tr.result.Edits)
	return tr
}

func (tr trial) rewrite(live Policy) Result {
	return Rewrite(Input{Sources: []Source{tr.source}, Target: tr.target, Live: []Policy{live}})
}

// kept reports whether a rule that names the source was left as it is, with a finding that says so.
func (tr trial) kept(t term) bool {
	return slices.ContainsFunc(tr.result.Findings, func(f Finding) bool {
		return f.Path == t.path && (f.Class == Generated || f.Class == NamespaceShift || f.Class == ThirdParty)
	}) && !slices.ContainsFunc(tr.result.Findings, func(f Finding) bool { return f.Path == t.path && f.Class == SourceIdentity })
}

// stays reports whether the laws leave a rule to its words: one that was kept with a finding, and one that names no source
// and spells out its namespaces, which it keeps wherever the target is.
func (tr trial) stays(t term) bool {
	r := newRenamer([]Source{tr.source}, tr.target, nil)
	return tr.kept(t) || !r.named(t.selector).source && !t.implicitNamespace() && r.moved()
}

// checkLaws returns which law the rewrite of one term breaks, and by which Pod; empty where none.
func (tr trial) checkLaws(s, r term) string {
	// A rule of a Pod's own namespace moves with the Pod: then every Pod of the source's namespace is compared with its like
	// in the target's.
	relative := s.implicitNamespace()
	home := func(namespace string) string {
		if relative && namespace == tr.source.Namespace {
			return tr.target.Namespace
		}
		return namespace
	}
	S := func(p pod) bool { return takesPod(s, tr.source.Namespace, p) }
	R := func(p pod) bool { p.namespace = home(p.namespace); return takesPod(r, tr.target.Namespace, p) }
	for _, k := range everyKin() {
		if tr.target.UID == "" && !k.showsBoth() {
			continue
		}
		src, tgt := k.of(tr.source.Identity), k.of(tr.realTarget())
		if takesPod(r, tr.target.Namespace, tgt) != S(src) {
			return "law 1, the target takes the source's place: " + tgt.String()
		}
		if R(src) != S(k.of(nowhere(tr.source.Namespace))) {
			return "law 2, the source becomes a stranger: " + src.String()
		}
	}
	for _, v := range strangers() {
		if relative && v.namespace != tr.source.Namespace {
			continue
		}
		if R(v) != S(v) {
			return "law 3, strangers stay strangers: " + v.String()
		}
	}
	return ""
}

// realTarget is the target once it has a UID.
func (tr trial) realTarget() Identity {
	target := tr.target
	target.UID = "uid-carrot67"
	return target
}

func TestLawsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := newTrial(t)
		before, after := terms(&tr.before), terms(&tr.after)
		for i := range before {
			if tr.stays(before[i]) {
				if !reflect.DeepEqual(before[i], after[i]) {
					t.Fatalf("%s has to stay as it is, but was changed", before[i].path)
				}
				continue
			}
			if broken := tr.checkLaws(before[i], after[i]); broken != "" {
				t.Fatalf("%s\nedits %v\nfindings %v", broken, tr.result.Edits, tr.result.Findings)
			}
		}
	})
}

func TestRewriteOfARewriteIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := newTrial(t)
		if again := tr.rewrite(tr.after); len(again.Edits) > 0 || len(again.Of(Intended)) > 0 {
			t.Fatalf("edits %v\nagain %v", tr.result.Edits, again)
		}
	})
}

func TestEveryEditIsNeeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := newTrial(t)
		for _, edits := range tr.separable() {
			others := slices.DeleteFunc(slices.Clone(tr.result.Edits), func(e Edit) bool {
				return slices.ContainsFunc(edits, func(undone Edit) bool { return undone.Path == e.Path })
			})
			if !tr.breaks(apply(t, tr.before, others)) {
				t.Fatalf("nothing is wrong without the edits %v", edits)
			}
		}
	})
}

// separable returns the edits that can be undone alone: each, but for a selector in which a requirement on the name takes
// the place of one on the UID, which takes several.
func (tr trial) separable() [][]Edit {
	if tr.target.UID != "" {
		return slices.Collect(slices.Chunk(tr.result.Edits, 1))
	}
	bySelector := map[string][]Edit{}
	for _, e := range tr.result.Edits {
		selector, _, _ := strings.Cut(e.Path, "/match")
		bySelector[selector] = append(bySelector[selector], e)
	}
	return slices.Collect(maps.Values(bySelector))
}

// breaks reports whether a policy breaks a law, or names the source, where the rewritten one does not.
func (tr trial) breaks(p Policy) bool {
	r := newRenamer([]Source{tr.source}, tr.target, nil)
	before, after := terms(&tr.before), terms(&p)
	for i := range before {
		if tr.stays(before[i]) {
			continue
		}
		if r.named(after[i].selector).source || tr.namesSourceNamespace(after[i]) || tr.checkLaws(before[i], after[i]) != "" {
			return true
		}
	}
	return false
}

// namesSourceNamespace reports whether a rule spells out the namespace that the target has left.
func (tr trial) namesSourceNamespace(t term) bool {
	if t.pods == nil || tr.target.Namespace == tr.source.Namespace {
		return false
	}
	r := newRenamer([]Source{tr.source}, tr.target, nil)
	return canonicalOf(t) != canonicalOf(term{kind: t.kind, topologyKey: t.topologyKey, required: t.required, weight: t.weight,
		selector: t.selector, pods: r.namespaces(t.pods)})
}

func TestOrderOfRulesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := newTrial(t)
		shuffled := tr.before
		shuffled.Affinity = tr.before.Affinity.DeepCopy()
		shuffled.TopologySpreadConstraints = rapid.Permutation(tr.before.TopologySpreadConstraints).Draw(t, "spread order")
		if a := shuffled.Affinity.PodAntiAffinity; a != nil {
			a.RequiredDuringSchedulingIgnoredDuringExecution = rapid.Permutation(a.RequiredDuringSchedulingIgnoredDuringExecution).Draw(t, "order")
		}
		result := tr.rewrite(shuffled)
		if got, want := canonicalTerms(apply(t, shuffled, result.Edits)), canonicalTerms(tr.after); !slices.Equal(got, want) {
			t.Fatalf("edits %v in one order, %v in another", tr.result.Edits, result.Edits)
		}
		if len(result.Findings) != len(tr.result.Findings) {
			t.Fatalf("findings %v in one order, %v in another", tr.result.Findings, result.Findings)
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

func TestEveryRuleThatNamesTheSourceIsEditedOrFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := newTrial(t)
		r := newRenamer([]Source{tr.source}, tr.target, nil)
		for _, term := range terms(&tr.before) {
			found := slices.ContainsFunc(tr.result.Findings, func(f Finding) bool { return f.Path == term.path })
			if r.named(term.selector).source && !found {
				t.Fatalf("nothing is said of %s", fmt.Sprint(term.selector))
			}
		}
	})
}
