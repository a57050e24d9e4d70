package audit

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

type kind int

const (
	antiAffinity kind = iota
	affinity
	spread
)

// rule is a required rule about Pods.
type rule struct {
	kind                              kind
	topologyKey                       string
	selector                          *metav1.LabelSelector
	matchLabelKeys, mismatchLabelKeys []string
	// namespaces are those that the rule is about, unless it has a selector of namespaces. Without any it is about the Pod's own.
	namespaces []string
}

// ruleAt returns the required rule at a path, relative to its policy.
func ruleAt(p *rewrite.Policy, path string) (rule, bool) {
	const required = "/requiredDuringSchedulingIgnoredDuringExecution/"
	a := p.Affinity
	if rest, ok := strings.CutPrefix(path, "/affinity/podAntiAffinity"+required); ok && a != nil && a.PodAntiAffinity != nil {
		return termAt(antiAffinity, a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution, rest)
	}
	if rest, ok := strings.CutPrefix(path, "/affinity/podAffinity"+required); ok && a != nil && a.PodAffinity != nil {
		return termAt(affinity, a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution, rest)
	}
	rest, ok := strings.CutPrefix(path, "/topologySpreadConstraints/")
	i, err := strconv.Atoi(rest)
	if !ok || err != nil || i < 0 || i >= len(p.TopologySpreadConstraints) {
		return rule{}, false
	}
	c := &p.TopologySpreadConstraints[i]
	return rule{spread, c.TopologyKey, c.LabelSelector, c.MatchLabelKeys, nil, nil}, c.WhenUnsatisfiable == corev1.DoNotSchedule
}

func termAt(k kind, terms []corev1.PodAffinityTerm, index string) (rule, bool) {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(terms) {
		return rule{}, false
	}
	t := &terms[i]
	r := rule{k, t.TopologyKey, t.LabelSelector, t.MatchLabelKeys, t.MismatchLabelKeys, t.Namespaces}
	if t.NamespaceSelector != nil {
		r.namespaces = nil // which it selects is not known
	}
	return r, true
}

// selected counts the Pods that a rule selects. A requirement on a label that is not known counts as met.
func (r *rule) selected(pods []pod) int {
	count := 0
	for i := range pods {
		if r.matches(&pods[i]) {
			count += pods[i].count
		}
	}
	return count
}

// selects says of each Pod whether a rule selects it.
func (r *rule) selects(pods []pod) []bool {
	selected := make([]bool, len(pods))
	for i := range pods {
		selected[i] = r.matches(&pods[i])
	}
	return selected
}

func (r *rule) matches(p *pod) bool {
	if r.selector == nil {
		return false
	}
	for key, value := range r.selector.MatchLabels {
		if !p.meets(metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{value}}) {
			return false
		}
	}
	return !slices.ContainsFunc(r.selector.MatchExpressions, func(r metav1.LabelSelectorRequirement) bool { return !p.meets(r) })
}

// identifies reports whether Pods of two clusters differ in a label.
func identifies(key string) bool {
	switch key {
	case rewrite.LabelInstance, rewrite.LabelWorkload, rewrite.LabelPodName, rewrite.LabelInstanceName, rewrite.LabelStatefulSetPod, rewrite.LabelClusterUID:
		return true
	}
	return false
}
