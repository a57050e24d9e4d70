package rewrite

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// inTree returns what KubeBlocks 1.0.1 and later make of a selector on the restore paths where they rewrite any: every
// requirement on the instance label gets the target's name, whatever it was. It returns false where that is nothing.
func (r *renamer) inTree(s *metav1.LabelSelector) (*metav1.LabelSelector, bool) {
	if s == nil {
		return nil, false
	}
	var changed bool
	rewritten := copied(s)
	if name, ok := s.MatchLabels[LabelInstance]; ok && name != r.target.Name {
		rewritten.MatchLabels[LabelInstance] = r.target.Name
		changed = true
	}
	for i := range rewritten.MatchExpressions {
		requirement := &rewritten.MatchExpressions[i]
		if requirement.Key == LabelInstance && !slices.Equal(requirement.Values, []string{r.target.Name}) {
			requirement.Values = []string{r.target.Name}
			changed = true
		}
	}
	return rewritten, changed
}

// undoInTree returns the live selector, which is what inTree makes of the original up to the order of its requirements,
// with the original's requirements wherever inTree changed one.
func (r *renamer) undoInTree(live, original *metav1.LabelSelector) *metav1.LabelSelector {
	undone := copied(live)
	if name, ok := original.MatchLabels[LabelInstance]; ok {
		undone.MatchLabels[LabelInstance] = name
	}
	rewritten, _ := r.inTree(original)
	from := requirementOrder(rewritten.MatchExpressions)
	for k, i := range requirementOrder(live.MatchExpressions) {
		undone.MatchExpressions[i] = original.MatchExpressions[from[k]]
	}
	return undone
}

// keepInTree returns what is right for the target, but with the requirements that inTree changed in the original left as
// they are live.
func (r *renamer) keepInTree(right, live, original *metav1.LabelSelector) *metav1.LabelSelector {
	kept := copied(right)
	if name, ok := original.MatchLabels[LabelInstance]; ok && name != r.target.Name {
		kept.MatchLabels[LabelInstance] = r.target.Name
	}
	for i, requirement := range live.MatchExpressions {
		if requirement.Key == LabelInstance {
			kept.MatchExpressions[i] = requirement
		}
	}
	return kept
}
