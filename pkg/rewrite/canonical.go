package rewrite

import (
	"encoding/binary"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// canonical is a form that is equal for equal rules only. The order of lists that Kubernetes reads as sets is ignored. A nil
// and an empty selector differ.
type canonical []byte

// canonicalOf returns the canonical form of a term.
func canonicalOf(t term) string { return string(canonical(nil).term(t)) }

func (c canonical) term(t term) canonical {
	c = c.str(string(t.kind)).str(t.topologyKey).number(int64(t.weight)).flag(t.required).selector(t.selector)
	if t.pods != nil {
		c = c.set(t.pods.Namespaces).selector(t.pods.NamespaceSelector)
		c = c.set(t.pods.MatchLabelKeys).set(t.pods.MismatchLabelKeys)
	}
	if t.constraint != nil {
		c = c.constraint(t.constraint)
	}
	return c
}

func (c canonical) constraint(s *corev1.TopologySpreadConstraint) canonical {
	c = c.number(int64(s.MaxSkew)).str(string(s.WhenUnsatisfiable)).set(s.MatchLabelKeys)
	c = c.flag(s.MinDomains != nil)
	if s.MinDomains != nil {
		c = c.number(int64(*s.MinDomains))
	}
	return c.policy((*string)(s.NodeAffinityPolicy)).policy((*string)(s.NodeTaintsPolicy))
}

func (c canonical) policy(p *string) canonical {
	if p == nil {
		return c.flag(false)
	}
	return c.flag(true).str(*p)
}

func (c canonical) selector(s *metav1.LabelSelector) canonical {
	c = c.flag(s != nil)
	if s == nil {
		return c
	}
	c = c.number(int64(len(s.MatchLabels)))
	var buffer [8]string // keeps the usual selector off the heap
	keys := buffer[:0]
	for key := range s.MatchLabels {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		c = c.str(key).str(s.MatchLabels[key])
	}
	c = c.number(int64(len(s.MatchExpressions)))
	for _, i := range requirementOrder(s.MatchExpressions) {
		r := &s.MatchExpressions[i]
		c = c.str(r.Key).str(string(r.Operator)).set(r.Values)
	}
	return c
}

// requirementOrder returns the indexes of requirements in a canonical order.
func requirementOrder(requirements []metav1.LabelSelectorRequirement) []int {
	order := make([]int, len(requirements))
	for i := range order {
		order[i] = i
	}
	if len(order) > 1 {
		slices.SortStableFunc(order, func(a, b int) int { return compareRequirements(requirements[a], requirements[b]) })
	}
	return order
}

func compareRequirements(a, b metav1.LabelSelectorRequirement) int {
	if c := strings.Compare(a.Key, b.Key); c != 0 {
		return c
	}
	if c := strings.Compare(string(a.Operator), string(b.Operator)); c != 0 {
		return c
	}
	return slices.Compare(sorted(a.Values), sorted(b.Values))
}

func (c canonical) set(values []string) canonical {
	c = c.number(int64(len(values)))
	for _, value := range sorted(values) {
		c = c.str(value)
	}
	return c
}

// str writes the length first, so that the end of each value is known.
func (c canonical) str(s string) canonical { return append(c.number(int64(len(s))), s...) }

func (c canonical) number(n int64) canonical { return binary.AppendVarint(c, n) }

func (c canonical) flag(b bool) canonical {
	if b {
		return append(c, 1)
	}
	return append(c, 0)
}

// sorted returns the values in order. It copies them only if necessary.
func sorted(values []string) []string {
	if slices.IsSorted(values) {
		return values
	}
	return slices.Sorted(slices.Values(values))
}
