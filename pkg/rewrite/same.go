package rewrite

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// sameRule reports whether two terms are identical except for their path. Then their canonical forms are equal, which are
// several times as expensive to compare.
func sameRule(a, b *term) bool {
	return a.kind == b.kind && a.required == b.required && a.weight == b.weight && a.topologyKey == b.topologyKey &&
		sameSelector(a.selector, b.selector) && samePods(a.pods, b.pods) && sameConstraint(a.constraint, b.constraint)
}

func sameSelector(a, b *metav1.LabelSelector) bool {
	if a == b || a == nil || b == nil {
		return a == b
	}
	return maps.Equal(a.MatchLabels, b.MatchLabels) && slices.EqualFunc(a.MatchExpressions, b.MatchExpressions, sameRequirement)
}

func sameRequirement(a, b metav1.LabelSelectorRequirement) bool {
	return a.Key == b.Key && a.Operator == b.Operator && slices.Equal(a.Values, b.Values)
}

func samePods(a, b *corev1.PodAffinityTerm) bool {
	if a == b || a == nil || b == nil {
		return a == b
	}
	return slices.Equal(a.Namespaces, b.Namespaces) && sameSelector(a.NamespaceSelector, b.NamespaceSelector) &&
		slices.Equal(a.MatchLabelKeys, b.MatchLabelKeys) && slices.Equal(a.MismatchLabelKeys, b.MismatchLabelKeys)
}

func sameConstraint(a, b *corev1.TopologySpreadConstraint) bool {
	if a == b || a == nil || b == nil {
		return a == b
	}
	return a.MaxSkew == b.MaxSkew && a.WhenUnsatisfiable == b.WhenUnsatisfiable && slices.Equal(a.MatchLabelKeys, b.MatchLabelKeys) &&
		sameValue(a.MinDomains, b.MinDomains) && sameValue(a.NodeAffinityPolicy, b.NodeAffinityPolicy) &&
		sameValue(a.NodeTaintsPolicy, b.NodeTaintsPolicy)
}

func sameValue[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
