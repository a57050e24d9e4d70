package conformance

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// drawNamespaces draws the namespaces of a term: usually neither field, else a list, a selector, or both.
//
// Beside a list, the selector is by name only. A rewrite does not know other labels of a namespace, so they must not decide
// whether the term covers the source's and the target's namespace.
func drawNamespaces(t *rapid.T) (names []string, s *metav1.LabelSelector) {
	switch rapid.IntRange(0, 5).Draw(t, "namespaces") {
	case 3:
		return drawNames(t), nil
	case 4:
		return nil, drawNamespaceSelector(t, false)
	case 5:
		return drawNames(t), drawNamespaceSelector(t, true)
	}
	return nil, nil
}

func drawNames(t *rapid.T) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(namespaceNames), 1, len(namespaceNames), rapid.ID).Draw(t, "names")
}

func drawNamespaceSelector(t *rapid.T, byName bool) *metav1.LabelSelector {
	s := &metav1.LabelSelector{MatchExpressions: drawList(t, "requirements", 0, 2, func(t *rapid.T) metav1.LabelSelectorRequirement {
		if !byName && rapid.IntRange(0, 3).Draw(t, "tier") == 3 {
			return drawTierRequirement(t)
		}
		return drawNamespaceRequirement(t, rewrite.LabelNamespace, drawNames)
	})}
	if rapid.Bool().Draw(t, "label") {
		metav1.AddLabelToSelector(s, rewrite.LabelNamespace, rapid.SampledFrom(namespaceNames).Draw(t, "namespace"))
	}
	return s
}

func drawTierRequirement(t *rapid.T) metav1.LabelSelectorRequirement {
	return drawNamespaceRequirement(t, labelTier, func(t *rapid.T) []string {
		return []string{rapid.SampledFrom([]string{"data", "web"}).Draw(t, "tier")}
	})
}

func drawNamespaceRequirement(t *rapid.T, key string, values func(*rapid.T) []string) metav1.LabelSelectorRequirement {
	r := metav1.LabelSelectorRequirement{Key: key, Operator: operators.Draw(t, "operator")}
	if r.Operator == metav1.LabelSelectorOpIn || r.Operator == metav1.LabelSelectorOpNotIn {
		r.Values = values(t)
	}
	return r
}
