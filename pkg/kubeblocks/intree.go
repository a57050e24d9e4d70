package kubeblocks

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// inTree is the rewrite that KubeBlocks 1.0.1 and later apply on some restore paths. Every requirement on the instance label
// gets the target's name, whatever its values and operator were.
type inTree struct{}

// Rewrite implements rewrite.InTree.
func (inTree) Rewrite(s *metav1.LabelSelector, target string) *metav1.LabelSelector {
	rewritten := s.DeepCopy()
	if _, ok := rewritten.MatchLabels[LabelInstance]; ok {
		rewritten.MatchLabels[LabelInstance] = target
	}
	for i := range rewritten.MatchExpressions {
		if requirement := &rewritten.MatchExpressions[i]; requirement.Key == LabelInstance {
			requirement.Values = []string{target}
		}
	}
	return rewritten
}
