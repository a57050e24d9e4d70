package conformance

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// selectorKeys are label keys to select Pods by. The keys of real policies are drawn more often.
var selectorKeys = rapid.SampledFrom(append([]string{
	rewrite.LabelInstance, rewrite.LabelInstance, rewrite.LabelInstance, rewrite.LabelComponentName, labelTeam, rewrite.LabelManagedBy,
}, identityKeys...))

var operators = rapid.SampledFrom([]metav1.LabelSelectorOperator{
	metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn,
	metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist,
})

// selector draws nil, an empty selector, or one with up to one label and two requirements.
func (g *policyGenerator) selector(t *rapid.T) *metav1.LabelSelector {
	if rapid.IntRange(0, 19).Draw(t, "nil") == 19 {
		return nil
	}
	s := &metav1.LabelSelector{MatchExpressions: drawList(t, "requirements", 0, 2, g.requirement)}
	for _, l := range drawList(t, "labels", 0, 1, g.label) {
		metav1.AddLabelToSelector(s, l.key, l.value)
	}
	return s
}

type label struct{ key, value string }

func (g *policyGenerator) label(t *rapid.T) label {
	key := selectorKeys.Draw(t, "key")
	return label{key, g.value(t, key)}
}

func (g *policyGenerator) requirement(t *rapid.T) metav1.LabelSelectorRequirement {
	r := metav1.LabelSelectorRequirement{Key: selectorKeys.Draw(t, "key"), Operator: operators.Draw(t, "operator")}
	if r.Operator == metav1.LabelSelectorOpIn || r.Operator == metav1.LabelSelectorOpNotIn {
		values := drawList(t, "values", 1, 3, func(t *rapid.T) []string { return g.values(t, r.Key) })
		r.Values = slices.Concat(values...)
	}
	return r
}

// values draws one value, or a pair: the source's and the target's value for the same Pod.
//
// A policy may contain the target's name, because an earlier cluster had it. It is drawn only in a pair: alone, it would be the name of
// a stranger, which the laws do not cover and the finding ThirdParty reports.
func (g *policyGenerator) values(t *rapid.T, key string) []string {
	// No policy can contain the UID of a cluster that does not exist yet.
	canPair := !g.unsatisfiable && slices.Contains(identityKeys, key) && key != rewrite.LabelClusterUID
	if !canPair || rapid.IntRange(0, 4).Draw(t, "pair") < 4 {
		return []string{g.value(t, key)}
	}
	m := rapid.SampledFrom(predictableMembers).Draw(t, "member")
	pair := []string{m.labelValue(source, key), m.labelValue(g.target, key)}
	return rapid.Permutation(pair).Draw(t, "pair")
}

func (g *policyGenerator) value(t *rapid.T, key string) string {
	switch key {
	case rewrite.LabelComponentName:
		return rapid.SampledFrom([]string{"mysql", "proxy", ""}).Draw(t, "component")
	case rewrite.LabelManagedBy:
		return rapid.SampledFrom([]string{"kubeblocks", "somebody"}).Draw(t, "manager")
	case labelTeam:
		return rapid.SampledFrom([]string{"red", "blue"}).Draw(t, "team")
	}
	name := rapid.SampledFrom(append([]string{source.Name, source.Name, source.Name}, strangerNames...)).Draw(t, "cluster")
	m := rapid.SampledFrom(g.members()).Draw(t, "member")
	return m.labelValue(identity(sourceNamespace, name), key)
}

// members are the Pods that a policy can name. A rule that names a shard is unsatisfiable.
func (g *policyGenerator) members() []member {
	if g.unsatisfiable {
		return allMembers
	}
	return predictableMembers
}

// drawLabelKeys draws matchLabelKeys or mismatchLabelKeys for a selector. The API server requires a selector beside them, and
// rejects matchLabelKeys whose key the selector already uses.
func drawLabelKeys(t *rapid.T, s *metav1.LabelSelector) (match, mismatch []string) {
	if s == nil || rapid.IntRange(0, 3).Draw(t, "labelKeys") < 3 {
		return nil, nil
	}
	key := rapid.SampledFrom([]string{rewrite.LabelInstance, rewrite.LabelComponentName, labelTeam}).Draw(t, "key")
	switch {
	case rapid.Bool().Draw(t, "mismatch"):
		return nil, []string{key}
	case hasKey(s, key):
		return nil, nil
	default:
		return []string{key}, nil
	}
}

func hasKey(s *metav1.LabelSelector, key string) bool {
	_, ok := s.MatchLabels[key]
	return ok || slices.ContainsFunc(s.MatchExpressions, func(q metav1.LabelSelectorRequirement) bool { return q.Key == key })
}
