package rewrite

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// InTree is KubeBlocks' own rewrite of a restored cluster's selectors.
type InTree interface {
	// Rewrite returns what KubeBlocks makes of a selector for a target of that name. It keeps s, and every requirement at its
	// index.
	Rewrite(s *metav1.LabelSelector, target string) *metav1.LabelSelector
}

// overwrite returns what KubeBlocks' own rewrite makes of a rule's selector, nil where that is nothing.
func (r *renamer) overwrite(m match) *metav1.LabelSelector {
	if m.selector == nil || m.source.InTree == nil {
		return nil
	}
	overwritten := m.source.InTree.Rewrite(m.selector, r.target.Name)
	if sameSelector(overwritten, m.selector) {
		return nil
	}
	return overwritten
}

// undone returns the live rule t as it was before KubeBlocks overwrote its selector. The requirements of the two selectors
// correspond, but their order can differ.
func (m match) undone(t term) term {
	if m.overwritten == nil {
		return t
	}
	undone := copied(m.selector)
	from := requirementOrder(m.overwritten.MatchExpressions)
	for k, i := range requirementOrder(t.selector.MatchExpressions) {
		undone.MatchExpressions[i] = m.selector.MatchExpressions[from[k]]
	}
	t.selector = undone
	return t
}

// keepOverwritten returns the right selector for the target, with the live requirement wherever KubeBlocks overwrote one.
func keepOverwritten(right, live, undone *metav1.LabelSelector) *metav1.LabelSelector {
	kept := copied(right)
	for key, value := range live.MatchLabels {
		if value != undone.MatchLabels[key] {
			kept.MatchLabels[key] = value
		}
	}
	for i, requirement := range live.MatchExpressions {
		if compareRequirements(requirement, undone.MatchExpressions[i]) != 0 {
			kept.MatchExpressions[i] = requirement
		}
	}
	return kept
}
