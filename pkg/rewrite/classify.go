package rewrite

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// outcome is what a rewrite made of a rule.
type outcome struct {
	// retargeted says that the rule could be given to the target, edited that this takes edits.
	retargeted, edited bool
	// lost says that KubeBlocks' rewrite took something from the rule that this one keeps.
	lost bool
}

// classify adds what there is to say of a live rule t that comes from the rule m of a snapshot.
func (w *walk) classify(t term, m match, o outcome) {
	n := w.read(m.selector).names
	if n.source {
		// A rule for the source and a cluster that had the target's name is one for the target now.
		n.others = slices.DeleteFunc(slices.Clone(n.others), func(name string) bool { return name == w.target.Name })
	}
	rule := m.words(w.subject(*m.term, n), m.policy.Place, m.source.Backup)
	source := n.source && w.inRange(*m.term)
	if source {
		w.classifySource(t, m, rule, n, o)
	}
	if class, verdict := w.judge(t, m, n, source, o); class != "" {
		w.find(t.path, class, rule, verdict)
	}
	if verdict := w.shift(m, source && n.only); verdict != "" {
		w.find(t.path, NamespaceShift, rule, verdict)
	}
}

// classifySource speaks of a rule that names the source.
func (w *walk) classifySource(t term, m match, rule string, n names, o outcome) {
	switch {
	case o.edited:
		w.find(t.path, SourceIdentity, rule, w.becomes(m))
	case o.retargeted || !w.namesSource(t):
	case n.untold:
		w.find(t.path, Generated, rule, "holds the name of a shard or a UID that has no counterpart in "+w.target.Name+": kept")
	case w.moved() && !m.implicitNamespace() && !n.only:
		w.find(t.path, NamespaceShift, rule, "names others beside the source, which stay in its namespace: kept, because one rule cannot take both")
	case w.moved() && !m.implicitNamespace():
		w.find(t.path, NamespaceShift, rule, "leaves out namespace "+w.target.Namespace+": kept")
	default:
		w.find(t.path, Generated, rule, "names the source by a value that "+w.target.Name+" cannot have: kept")
	}
}

// becomes says what a rule that names the source and was inherited becomes.
func (w *walk) becomes(m match) string {
	switch {
	case w.invalid:
		return "was inherited: kept, because a rule is invalid"
	case m.source.Name == w.target.Name:
		return "was inherited: it moves to namespace " + w.target.Namespace
	default:
		return "was inherited: it becomes " + w.target.Name
	}
}

// judge says what a rule is beside naming the source, or instead of it. The class is empty where there is nothing to say.
func (w *walk) judge(t term, m match, n names, source bool, o outcome) (Class, string) {
	switch {
	case o.lost:
		return ThirdParty, w.lostWords(m)
	case n.source && !source:
		return ThirdParty, "names a cluster in another namespace than the source's: kept"
	case len(n.others) > 0:
		return ThirdParty, "names others than the source (" + list(n.others) + "): kept"
	case n.untold && !source:
		return Generated, "holds the name of a shard or a UID that has no counterpart in " + w.target.Name + ": kept"
	case isPlaceholder(m.selector):
		return Placeholder, "leaves the component's name to KubeBlocks: not touched"
	case w.read(m.selector).vacuous:
		return Vacuous, "takes no Pod of the source, and none that " + w.target.Name + " can have"
	case w.unscoped(t):
		return Unscoped, w.unscopedWords(o)
	default:
		return "", ""
	}
}

func (w *walk) unscopedWords(o outcome) string {
	if o.edited && !w.invalid {
		return "names no cluster: scoped to " + w.target.Name
	}
	return "names no cluster, so it may take the Pods of the source and of others: kept, scopeUnscoped scopes it"
}

func (w *walk) lostWords(m match) string {
	words := "was turned to " + w.target.Name + " by KubeBlocks; the snapshot holds " + metav1.FormatLabelSelector(m.selector)
	if w.options.RestoreThirdParty && !w.invalid {
		return words + ": put back"
	}
	return words + ": kept as it is, restoreThirdParty puts it back"
}

// shift says how a rule means other Pods than before because the target is in another namespace; empty where it does not.
func (w *walk) shift(m match, sourceOnly bool) string {
	if !w.moved() || sourceOnly || w.read(m.selector).vacuous || !m.implicitNamespace() {
		return ""
	}
	return "ranged over namespace " + m.source.Namespace + " and ranges over " + w.target.Namespace + " now: kept"
}
