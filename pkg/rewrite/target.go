package rewrite

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// namesSource reports whether a term names a source and can apply to its namespace. A cluster of the same name in another
// namespace is a third party.
func (r *renamer) namesSource(t term) bool {
	return r.info(t.selector).names.source && r.inRange(t)
}

// retarget returns the term for the target. A term that names a source is renamed, and an unscoped one is scoped to the
// target if scope is true. It returns false where the term stays unchanged.
func (r *renamer) retarget(t term, scope bool) (term, bool) {
	switch n := r.info(t.selector).names; {
	case n.source && r.inRange(t):
		return r.renamed(t, n)
	case scope && r.unscoped(t) && !r.repelsOthers(t):
		return r.scoped(t)
	default:
		return t, false
	}
}

// scoped returns an unscoped term for the target, and false where the target's name is too long for it.
func (r *renamer) scoped(t term) (term, bool) {
	scoped := t
	scoped.selector = copied(t.selector)
	if !r.scope(scoped.selector) {
		return t, false
	}
	return scoped, true
}

// renamed returns a term that names a source for the target, and false where no edits of leaves can do so.
func (r *renamer) renamed(t term, n names) (term, bool) {
	selector := r.info(t.selector).renamed
	// Only the instance label can be new in the selector. Everything else was valid before.
	if selector == nil || r.valid.labelKeys(matchLabelKeys, t.matchLabelKeys(), selector) != "" {
		return t, false
	}
	renamed := t
	renamed.selector = selector
	if t.implicitNamespace() || !r.moved() {
		return renamed, true
	}
	if !n.only {
		// It selects Pods of other clusters too, which do not move.
		return r.withSameNamespaces(t, renamed)
	}
	renamed.pods = r.namespaces(t.pods)
	if !mayApplyTo(renamed.pods, r.target.Namespace) {
		return t, false // a rule that excludes the target's namespace cannot select the target
	}
	return renamed, true
}

// withSameNamespaces returns the renamed term, and false where it may not apply to the target's namespace although t applies to a
// source's. The labels of both are unknown: a selector that both names meet is taken to select both or neither.
func (r *renamer) withSameNamespaces(t, renamed term) (term, bool) {
	sure := slices.ContainsFunc(r.sources, func(s Source) bool { return surelyAppliesTo(t.pods, s.Namespace) })
	if surelyAppliesTo(t.pods, r.target.Namespace) || !sure && mayApplyTo(t.pods, r.target.Namespace) {
		return renamed, true
	}
	return t, false
}

// unscoped reports whether a term can select Pods of the sources without naming any cluster.
func (r *renamer) unscoped(t term) bool {
	if n := r.info(t.selector).names; n.source || n.own || n.unmappable || len(n.others) > 0 {
		return false
	}
	if t.selector == nil || isPlaceholder(t.selector) || slices.ContainsFunc(t.matchLabelKeys(), r.identifies) {
		return false
	}
	return r.selectsSource(t.selector) && r.inRange(t)
}

// repelsOthers reports whether a term selects Pods of other clusters only, without naming them.
func (r *renamer) repelsOthers(t term) bool {
	return t.pods != nil && slices.ContainsFunc(t.pods.MismatchLabelKeys, r.identifies)
}

// isPlaceholder reports whether a selector has an empty component name, which KubeBlocks fills in for each shard.
func isPlaceholder(s *metav1.LabelSelector) bool {
	if s == nil {
		return false
	}
	if name, ok := s.MatchLabels[LabelComponentName]; ok && name == "" {
		return true
	}
	return slices.ContainsFunc(s.MatchExpressions, func(r metav1.LabelSelectorRequirement) bool {
		return r.Key == LabelComponentName && slices.Contains(r.Values, "")
	})
}

// rule adds the edits that turn one version of a term into another.
func (e *edits) rule(from, to term) {
	e.selector(from.path, "/labelSelector", from.selector, to.selector)
	if from.pods != nil && from.pods != to.pods {
		e.namespaces(from.path, from.pods, to.pods)
	}
}
