package rewrite

import (
	"fmt"
	"slices"
)

// change is what the rewrite did to a rule.
type change struct {
	// retargeted reports whether the rule can be one for the target, and edited whether that needs edits.
	retargeted, edited bool
	// overwritten reports whether KubeBlocks' rewrite removed something that this one keeps.
	overwritten bool
}

// classify adds the findings of a live rule t that comes from the rule m of a snapshot.
func (w *rewriter) classify(t term, m match, c change) {
	n := w.info(m.selector).names
	if n.source {
		// The target's name in a rule for the source is an older cluster's. The rule is one for the target now.
		n.others = slices.DeleteFunc(slices.Clone(n.others), func(name string) bool { return name == w.target.Name })
	}
	shown := *m.term
	if m.overwritten != nil && m.source.Private {
		shown = t
	}
	rule := w.describe(shown, m.policy.Place, m.source.Backup)
	source := n.source && w.inRange(*m.term)
	if source {
		w.classifySource(t, m, rule, n, c)
	}
	if class, verdict := w.classifyRest(t, m, n, source, c); class != "" {
		w.find(t, class, rule, verdict)
	}
	sourceOnly := source && n.only
	if w.moved() && !sourceOnly && !w.info(m.selector).vacuous && m.implicitNamespace() {
		w.find(t, NamespaceShift, rule, fmt.Sprintf(textNamespaceShift, m.source.Namespace, w.target.Namespace))
	}
}

// classifySource adds the finding of a rule that names the source.
func (w *rewriter) classifySource(t term, m match, rule string, n names, c change) {
	switch {
	case c.edited:
		w.find(t, SourceIdentity, rule, w.describeRewrite(m.source))
	case c.retargeted || !w.namesSource(t):
	case n.unmappable:
		w.find(t, Generated, rule, fmt.Sprintf(textGenerated, w.target.Name))
	case w.moved() && !m.implicitNamespace() && !n.only:
		w.find(t, NamespaceShift, rule, textSpansNamespaces)
	case w.moved() && !m.implicitNamespace():
		w.find(t, NamespaceShift, rule, fmt.Sprintf(textExcludesNamespace, w.target.Namespace))
	default:
		w.find(t, Generated, rule, fmt.Sprintf(textNotRewritable, w.target.Name))
	}
}

// classifyRest returns what a rule is apart from one that names the source. The class is empty where it is nothing else.
func (w *rewriter) classifyRest(t term, m match, n names, source bool, c change) (Class, string) {
	switch {
	case c.overwritten:
		return ThirdParty, w.describeOverwritten(m)
	case n.source && !source:
		return ThirdParty, textOutsideNamespace
	case len(n.others) > 0:
		return ThirdParty, describeOthers(m.source, n.others)
	case n.unmappable && !source:
		return Generated, fmt.Sprintf(textGenerated, w.target.Name)
	case isPlaceholder(m.selector):
		return Placeholder, textPlaceholder
	case w.info(m.selector).vacuous:
		return Vacuous, fmt.Sprintf(textVacuous, w.target.Name)
	case w.unscoped(t):
		return Unscoped, w.describeUnscoped(t, c.edited)
	default:
		return "", ""
	}
}
