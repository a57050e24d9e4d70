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
	r := newRenamer(sources, in.Target, in.IdentityLabels)
	w := walk{renamer: r, options: in.Options, inherited: newInheritance(r), valid: newValidator()}
	for i := range in.Live {
		w.policy(&in.Live[i])
	}
	if w.invalid {
		w.result.Edits = nil
	}
	return w.result
}

// walk is a rewrite under way.
type walk struct {
	renamer
	options   Options
	inherited *inheritance
	valid     *validator
	result    Result
	invalid   bool
}

func (w *walk) policy(live *Policy) {
	w.nodeBindings(live)
	next := turns{}
	for _, t := range terms(live) {
		o := next.of(w.inherited.origins(live, t))
		switch problem := w.valid.term(t); {
		case problem != "" && !w.mends(o):
			w.refuse(live, t, problem)
		case o != nil:
			w.inheritedTerm(live, t, o)
		case w.namesSource(t):
			w.find(t.path, Intended, t.words(w.subject(t), live.Place, ""), "is in no snapshot, so somebody means it: kept")
		}
	}
}

// turns hands out rules that look alike one after another, to live rules that look alike.
type turns map[*origin]int

func (n turns) of(origins []*origin) *origin {
	if len(origins) == 0 {
		return nil
	}
	turn := n[origins[0]]
	n[origins[0]]++
	return origins[min(turn, len(origins)-1)]
}

// mends reports whether an invalid rule is one that KubeBlocks' rewrite made invalid, with consent to put it back.
func (w *walk) mends(o *origin) bool {
	return o != nil && o.inTree && w.options.RestoreThirdParty
}

func (w *walk) refuse(live *Policy, t term, problem string) {
	w.invalid = true
	w.find(t.path, Invalid, t.words(w.subject(t), live.Place, ""), "would be refused by the API server, so nothing is rewritten: "+problem)
}

func (w *walk) find(path string, class Class, rule, verdict string) {
	w.result.Findings = append(w.result.Findings, Finding{Path: path, Class: class, Rule: rule, Message: rule + " " + verdict})
}

// inheritedTerm decides on a live rule t that comes from o.
func (w *walk) inheritedTerm(live *Policy, t term, o *origin) {
	before := t
	if o.inTree && w.options.RestoreThirdParty {
		before.selector = w.undoInTree(t.selector, o.selector)
	}
	after, _ := w.retarget(before, w.options.ScopeUnscoped)
	changes := edits(t, after)
	for _, edit := range changes {
		edit.Component = live.Component
		w.result.Edits = append(w.result.Edits, edit)
	}
	w.classify(t, o, len(changes) > 0)
}
