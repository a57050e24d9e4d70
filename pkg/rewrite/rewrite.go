package rewrite

import "slices"

// Input is what a rewrite is decided on.
type Input struct {
	// Sources are the clusters whose Backups the target is restored from. A rule is inherited when it stands at its place in
	// any of their snapshots.
	Sources []Source
	Target  Identity
	// Live are the policies of the object to rewrite.
	Live []Policy
	Options
}

// Options are what a site or an owner decides.
type Options struct {
	// IdentityLabels are further label keys whose value is the name of a Pod's cluster.
	IdentityLabels []string
	// ScopeUnscoped is the consent to add the target's name to inherited rules that name no cluster.
	ScopeUnscoped bool
	// RestoreThirdParty is the consent to put back what KubeBlocks' own rewrite took from inherited rules that name other
	// clusters.
	RestoreThirdParty bool
}

// Result is what must change, and what was seen. The order is that of the policies and of the rules in them.
type Result struct {
	Edits    []Edit
	Findings []Finding
}

// Of returns the findings of one class.
func (r Result) Of(class Class) []Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return f.Class != class })
}

// Rewrite compares the live policies with the snapshots of the sources, and returns the edits that give every inherited
// rule a new home. A source with the target's name and namespace changes nothing. Where a rule is invalid there are
// findings, and no edits at all.
func Rewrite(in Input) Result {
	sources := slices.DeleteFunc(slices.Clone(in.Sources), func(s Source) bool { return sameCluster(s.Identity, in.Target) })
	if len(sources) == 0 {
		return Result{}
	}
	w := walk{renamer: newRenamer(sources, in.Target, in.IdentityLabels), options: in.Options}
	inherited := newInheritance(&w.renamer, in.Live)
	all := make([]found, len(in.Live))
	for i := range in.Live {
		all[i] = found{policy: &in.Live[i], terms: terms(&in.Live[i])}
		all[i].matches = inherited.matches(all[i].policy, all[i].terms)
		w.validate(&all[i])
		w.rules += len(all[i].terms)
	}
	for i := range all {
		w.nodeBindings(all[i].policy, inherited)
		for k := range all[i].terms {
			w.term(&all[i], k)
		}
	}
	return w.result
}

// found is a live policy and what was found of its rules.
type found struct {
	policy  *Policy
	terms   []term
	matches []match
	// problems says why the API server would refuse a rule; empty where it would not.
	problems []string
}

// walk is a rewrite under way.
type walk struct {
	renamer
	options Options
	result  Result
	// invalid says that a rule is invalid, and so that nothing is edited.
	invalid bool
	// rules is how many live rules there are: most have one finding and one edit, or none at all.
	rules int
	// leaves are the edits of the rule at hand.
	leaves leaves
}

// validate says what is wrong with the rules of a policy. Those that KubeBlocks made invalid are mended, with consent.
func (w *walk) validate(f *found) {
	rules := f.terms
	if w.options.RestoreThirdParty {
		rules = slices.Clone(rules)
		for i := range rules {
			rules[i] = w.whole(rules[i], f.matches[i])
		}
	}
	f.problems = w.valid.policy(rules)
	w.invalid = w.invalid || slices.ContainsFunc(f.problems, func(problem string) bool { return problem != "" })
}

// whole returns a live rule t with what KubeBlocks' rewrite took from the rule m that it comes from.
func (w *walk) whole(t term, m match) term {
	if m.inTree {
		t.selector = w.undoInTree(t.selector, m.selector)
	}
	return t
}

// term decides on one rule.
func (w *walk) term(f *found, i int) {
	t, m := f.terms[i], f.matches[i]
	switch {
	case f.problems[i] != "":
		rule := t.words(w.subject(t, w.read(t.selector).names), f.policy.Place, "")
		w.find(t.path, Invalid, rule, "would be refused by the API server, so nothing is rewritten: "+f.problems[i])
	case m.term != nil:
		w.inheritedTerm(f.policy, t, m)
	case w.namesSource(t):
		w.find(t.path, Intended, t.words(w.subject(t, w.read(t.selector).names), f.policy.Place, ""), "is in no snapshot, so somebody means it: kept")
	}
}

func (w *walk) find(path string, class Class, rule, verdict string) {
	if w.result.Findings == nil {
		w.result.Findings = make([]Finding, 0, w.rules)
	}
	w.result.Findings = append(w.result.Findings, Finding{Path: path, Class: class, Rule: rule, Message: rule + " " + verdict})
}

// inheritedTerm decides on a live rule t that comes from the rule m of a snapshot.
func (w *walk) inheritedTerm(live *Policy, t term, m match) {
	whole := w.whole(t, m)
	right, ok := w.retarget(whole, w.options.ScopeUnscoped)
	kept := right
	if m.inTree && ok {
		kept.selector = w.keepInTree(right.selector, t.selector, m.selector)
	} else if m.inTree {
		kept = t
	}
	w.leaves = w.leaves[:0]
	w.leaves.rule(t, kept)
	lost := m.inTree && canonicalOf(kept) != canonicalOf(right)
	w.classify(t, m, outcome{retargeted: ok, edited: len(w.leaves) > 0, lost: lost})
	if m.inTree && w.options.RestoreThirdParty {
		w.leaves = w.leaves[:0]
		w.leaves.rule(t, right)
	}
	if !w.invalid {
		w.edit(live)
	}
}

// edit adds the edits of one rule of a policy to the result.
func (w *walk) edit(live *Policy) {
	if w.result.Edits == nil && len(w.leaves) > 0 {
		w.result.Edits = make([]Edit, 0, w.rules)
	}
	for _, edit := range w.leaves {
		edit.Component, edit.Template = live.Component, live.Template
		w.result.Edits = append(w.result.Edits, edit)
	}
}
