package rewrite

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// namesSource reports whether a term names a source, and ranges over its namespace. A cluster of the same name in another
// namespace is a stranger.
func (r *renamer) namesSource(t term) bool {
	return r.read(t.selector).names.source && r.inRange(t)
}

// retarget returns the term as it has to stand in the target: renamed where it names a source, scoped to the target where it
// is unscoped and scope is true. It returns false where the term stays as it is.
func (r *renamer) retarget(t term, scope bool) (term, bool) {
	switch n := r.read(t.selector).names; {
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

// renamed returns a term that names a source for the target, and false where single leaves cannot say it.
func (r *renamer) renamed(t term, n names) (term, bool) {
	selector := r.read(t.selector).renamed
	// All else was valid before. The key of the name can be new in the selector.
	if selector == nil || r.valid.labelKeys(matchLabelKeys, t.matchLabelKeys(), selector) != "" {
		return t, false
	}
	renamed := t
	renamed.selector = selector
	if t.implicitNamespace() || !r.moved() {
		return renamed, true
	}
	if !n.only {
		// The other Pods it takes stay where they are, and so do its namespaces.
		return r.stayingPut(t, renamed)
	}
	renamed.pods = r.namespaces(t.pods)
	if !mayRangeOver(renamed.pods, r.target.Namespace) {
		return t, false // a rule for all namespaces but the target's cannot take the target
	}
	return renamed, true
}

// stayingPut returns the renamed term with the namespaces of t, and false where those cannot be the target's as well.
func (r *renamer) stayingPut(t, renamed term) (term, bool) {
	var moves leaves
	moves.namespaces("", t.pods, r.namespaces(t.pods))
	if surelyRangesOver(t.pods, r.target.Namespace) || len(moves) == 0 && mayRangeOver(t.pods, r.target.Namespace) {
		return renamed, true
	}
	return t, false
}

// unscoped reports whether a term can take Pods of the sources without naming any cluster.
func (r *renamer) unscoped(t term) bool {
	if n := r.read(t.selector).names; n.source || n.untold || len(n.others) > 0 {
		return false
	}
	if t.selector == nil || isPlaceholder(t.selector) || slices.ContainsFunc(t.matchLabelKeys(), r.identifies) {
		return false
	}
	return r.takesSource(t.selector) && r.inRange(t)
}

// repelsOthers reports whether a term takes the Pods of other clusters only, without naming them.
func (r *renamer) repelsOthers(t term) bool {
	return t.pods != nil && slices.ContainsFunc(t.pods.MismatchLabelKeys, r.identifies)
}

// isPlaceholder reports whether a selector holds an empty component name, which KubeBlocks fills in for each shard.
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
func (l *leaves) rule(from, to term) {
	l.selector(from.path, "/labelSelector", from.selector, to.selector)
	if from.pods != nil && from.pods != to.pods {
		l.namespaces(from.path, from.pods, to.pods)
	}
}
