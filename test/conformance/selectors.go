package conformance

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// selectorKeys are the keys to select Pods by. What real policies use stands more often.
var selectorKeys = rapid.SampledFrom(append([]string{
	rewrite.LabelInstance, rewrite.LabelInstance, rewrite.LabelInstance, rewrite.LabelComponentName, labelTeam, rewrite.LabelManagedBy,
}, identityKeys...))

var operators = rapid.SampledFrom([]metav1.LabelSelectorOperator{
	metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn,
	metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist,
})

// selector draws a selector of Pods: none, an empty one, or one with a label and up to two requirements.
func (a *author) selector(t *rapid.T) *metav1.LabelSelector {
	if rapid.IntRange(0, 19).Draw(t, "nil") == 19 {
		return nil
	}
	s := &metav1.LabelSelector{MatchExpressions: list(t, "requirements", 0, 2, a.requirement)}
	for _, l := range list(t, "labels", 0, 1, a.label) {
		metav1.AddLabelToSelector(s, l.key, l.value)
	}
	return s
}

type label struct{ key, value string }

func (a *author) label(t *rapid.T) label {
	key := selectorKeys.Draw(t, "key")
	return label{key, a.value(t, key)}
}

func (a *author) requirement(t *rapid.T) metav1.LabelSelectorRequirement {
	r := metav1.LabelSelectorRequirement{Key: selectorKeys.Draw(t, "key"), Operator: operators.Draw(t, "operator")}
	if r.Operator == metav1.LabelSelectorOpIn || r.Operator == metav1.LabelSelectorOpNotIn {
		values := list(t, "values", 1, 3, func(t *rapid.T) []string { return a.values(t, r.Key) })
		r.Values = slices.Concat(values...)
	}
	return r
}

// values draws one value, or the source's and the target's for the same Pod.
//
// A policy can hold the target's name, of a cluster that went before it. Alone, that is a stranger's name that the target
// took: the policy was not written for it, the finding ThirdParty says so, and the laws, which take strangers' names for
// theirs, do not apply.
func (a *author) values(t *rapid.T, key string) []string {
	// The UID of a cluster that is yet to be created can stand nowhere.
	canPair := !a.hopeless && slices.Contains(identityKeys, key) && key != rewrite.LabelClusterUID
	if !canPair || rapid.IntRange(0, 4).Draw(t, "pair") < 4 {
		return []string{a.value(t, key)}
	}
	m := rapid.SampledFrom(shapes[:len(shapes)-1]).Draw(t, "shape")
	pair := []string{m.identity(source, key), m.identity(a.target, key)}
	return rapid.Permutation(pair).Draw(t, "pair")
}

func (a *author) value(t *rapid.T, key string) string {
	switch key {
	case rewrite.LabelComponentName:
		return rapid.SampledFrom([]string{"mysql", "proxy", ""}).Draw(t, "component")
	case rewrite.LabelManagedBy:
		return rapid.SampledFrom([]string{"kubeblocks", "somebody"}).Draw(t, "manager")
	case labelTeam:
		return rapid.SampledFrom([]string{"red", "blue"}).Draw(t, "team")
	}
	name := rapid.SampledFrom(append([]string{source.Name, source.Name, source.Name}, strangerNames...)).Draw(t, "cluster")
	m := rapid.SampledFrom(a.shapes()).Draw(t, "shape")
	return m.identity(cluster(sourceNamespace, name), key)
}

// shapes are the Pods that the author names. Shards are hopeless.
func (a *author) shapes() []member {
	if a.hopeless {
		return shapes
	}
	return shapes[:len(shapes)-1]
}

// drawLabelKeys draws matchLabelKeys or mismatchLabelKeys to go with a selector. The API server wants neither without one, and
// refuses the former beside a requirement on the same key.
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
