package rewrite

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// canonical returns a string that two terms share exactly when they are the same rule: the order of lists that Kubernetes
// reads as sets does not count, the difference between a nil and an empty selector does.
func canonical(t term) string {
	var rule any
	switch r := t.rule.(type) {
	case *corev1.PodAffinityTerm:
		rule = canonicalTerm(*r)
	case *corev1.WeightedPodAffinityTerm:
		rule = corev1.WeightedPodAffinityTerm{Weight: r.Weight, PodAffinityTerm: canonicalTerm(r.PodAffinityTerm)}
	case *corev1.TopologySpreadConstraint:
		c := *r
		c.LabelSelector = canonicalSelector(c.LabelSelector)
		c.MatchLabelKeys = sorted(c.MatchLabelKeys)
		rule = c
	}
	data, err := json.Marshal(rule)
	if err != nil {
		// These are plain structs of strings and integers, which always marshal.
		panic(fmt.Sprintf("marshal %T: %v", t.rule, err))
	}
	return string(t.kind) + string(data)
}

func canonicalTerm(t corev1.PodAffinityTerm) corev1.PodAffinityTerm {
	t.LabelSelector = canonicalSelector(t.LabelSelector)
	t.NamespaceSelector = canonicalSelector(t.NamespaceSelector)
	t.Namespaces = sorted(t.Namespaces)
	t.MatchLabelKeys = sorted(t.MatchLabelKeys)
	t.MismatchLabelKeys = sorted(t.MismatchLabelKeys)
	return t
}

func canonicalSelector(s *metav1.LabelSelector) *metav1.LabelSelector {
	if s == nil {
		return nil
	}
	c := &metav1.LabelSelector{MatchLabels: s.MatchLabels, MatchExpressions: slices.Clone(s.MatchExpressions)}
	for i := range c.MatchExpressions {
		c.MatchExpressions[i].Values = sorted(c.MatchExpressions[i].Values)
	}
	slices.SortFunc(c.MatchExpressions, func(a, b metav1.LabelSelectorRequirement) int {
		return strings.Compare(requirementKey(a), requirementKey(b))
	})
	return c
}

// requirementKey orders requirements; label keys, operators and values hold no NUL.
func requirementKey(r metav1.LabelSelectorRequirement) string {
	return r.Key + "\x00" + string(r.Operator) + "\x00" + strings.Join(r.Values, "\x00")
}

func sorted(values []string) []string {
	return slices.Sorted(slices.Values(values))
}
