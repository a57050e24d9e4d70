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

// Options are the decisions of a site or an owner.
type Options struct {
	// IdentityLabels are further label keys whose value is the name of a Pod's cluster.
	IdentityLabels []string
	// ScopeUnscoped is the consent to add the target's name to inherited rules that name no cluster.
	ScopeUnscoped bool
	// RestoreThirdParty is the consent to put back what KubeBlocks' own rewrite overwrote in inherited rules that name other
	// clusters.
	RestoreThirdParty bool
}

// Result holds the necessary edits and the findings, in the order of the policies and of their rules.
type Result struct {
	Edits    []Edit
	Findings []Finding
}

// Of returns the findings of one class.
func (r Result) Of(class Class) []Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return f.Class != class })
}

// Rewrite compares the live policies with the snapshots of the sources, and returns the edits that make every inherited
// rule one for the target. It ignores a source with the target's name and namespace. If any rule is invalid, it returns
// findings and no edits.
func Rewrite(in Input) Result { return Prepare(in.Sources, in.Target, in.Options).Rewrite(in.Live) }

// Rewriter rewrites policies of one target. It indexes the snapshots of the sources once, for any number of policies. It is not
// safe for concurrent use.
type Rewriter struct {
	renamer   renamer
	inherited *inheritance
	options   Options
}

// Prepare returns a Rewriter.
func Prepare(sources []Source, target Identity, options Options) *Rewriter {
	others := slices.DeleteFunc(slices.Clone(sources), func(s Source) bool { return sameCluster(s.Identity, target) })
	return &Rewriter{renamer: newRenamer(others, target, options.IdentityLabels), options: options}
}

// WithPolicies returns a Rewriter that takes these policies of the target for those of every source's snapshot.
func (r *Rewriter) WithPolicies(policies []Policy) *Rewriter {
	next := *r
	next.inherited = nil
	next.renamer.live = true
	next.renamer.sources = slices.Clone(r.renamer.sources)
	for i := range next.renamer.sources {
		next.renamer.sources[i].Policies = policies
	}
	return &next
}

// Rewrite is as the function Rewrite for these live policies.
func (r *Rewriter) Rewrite(live []Policy) Result {
	if len(r.renamer.sources) == 0 {
		return Result{}
	}
	r.index()
	w := rewriter{renamer: &r.renamer, options: r.options}
	all := make([]livePolicy, len(live))
	for i := range live {
		all[i] = livePolicy{Policy: &live[i], terms: terms(&live[i])}
		all[i].matches = r.inherited.matches(all[i].Policy, all[i].terms)
		w.validate(&all[i])
		w.rules += len(all[i].terms)
	}
	for i := range all {
		w.nodeBindings(all[i].Policy, r.inherited)
		for k := range all[i].terms {
			w.term(&all[i], k)
		}
	}
	return w.result
}

func (r *Rewriter) index() {
	if r.inherited == nil {
		r.inherited = newInheritance(&r.renamer)
	}
}

// livePolicy is a live policy with its rules, each with its match in a snapshot.
type livePolicy struct {
	*Policy
	terms   []term
	matches []match
	// problems says why the API server would reject a rule; empty where it would not.
	problems []string
}

// rewriter holds the state of one rewrite.
type rewriter struct {
	*renamer
	options Options
	result  Result
	// invalid reports whether any rule is invalid. Then nothing is edited.
	invalid bool
	// rules is the number of live rules. Most have one finding and one edit, or none.
	rules int
	// edits are those of the current rule.
	edits edits
}

// validate fills the problems of a policy. With consent, rules that KubeBlocks made invalid are checked as they will be.
func (w *rewriter) validate(p *livePolicy) {
	rules := p.terms
	if w.options.RestoreThirdParty {
		rules = slices.Clone(rules)
		for i := range rules {
			if w.putsBack(p.matches[i]) {
				rules[i] = p.matches[i].undone(rules[i])
			}
		}
	}
	p.problems = w.valid.policy(rules)
	w.invalid = w.invalid || slices.ContainsFunc(p.problems, func(problem string) bool { return problem != "" })
}

// term decides on one rule.
func (w *rewriter) term(p *livePolicy, i int) {
	t, m := p.terms[i], p.matches[i]
	switch {
	case p.problems[i] != "":
		w.find(t, Invalid, w.describe(t, p.Place, ""), textInvalid+p.problems[i])
	case m.term != nil:
		w.inheritedTerm(p.Policy, t, m)
	case w.namesSource(t):
		w.find(t, Intended, w.describe(t, p.Place, ""), textIntended)
	}
}

func (w *rewriter) find(t term, class Class, rule, verdict string) {
	if w.result.Findings == nil {
		w.result.Findings = make([]Finding, 0, w.rules)
	}
	w.result.Findings = append(w.result.Findings, Finding{
		Path: t.path, Class: class, Required: t.required, Rule: rule, Message: rule + " " + verdict,
	})
}

// inheritedTerm decides on a live rule t that comes from the rule m of a snapshot.
func (w *rewriter) inheritedTerm(live *Policy, t term, m match) {
	undone := m.undone(t)
	right, ok := w.retarget(undone, w.options.ScopeUnscoped)
	kept := right
	if m.overwritten != nil && ok {
		kept.selector = keepOverwritten(right.selector, t.selector, undone.selector)
	} else if m.overwritten != nil {
		kept = t
	}
	w.edits = w.edits[:0]
	w.edits.rule(t, kept)
	overwritten := m.overwritten != nil && canonicalOf(kept) != canonicalOf(right)
	w.classify(t, m, change{retargeted: ok, edited: len(w.edits) > 0, overwritten: overwritten})
	if w.putsBack(m) {
		w.edits = w.edits[:0]
		w.edits.rule(t, right)
	}
	if !w.invalid {
		w.edit(live)
	}
}

// putsBack reports whether what KubeBlocks overwrote in a rule is put back.
func (w *rewriter) putsBack(m match) bool {
	return m.overwritten != nil && w.options.RestoreThirdParty && !m.source.Private
}

// edit adds the edits of one rule of a policy to the result.
func (w *rewriter) edit(live *Policy) {
	if w.result.Edits == nil && len(w.edits) > 0 {
		w.result.Edits = make([]Edit, 0, w.rules)
	}
	for _, edit := range w.edits {
		edit.Component, edit.Template = live.Component, live.Template
		w.result.Edits = append(w.result.Edits, edit)
	}
}
