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
	return rule{spread, c.TopologyKey, c.LabelSelector, c.MatchLabelKeys, nil}, c.WhenUnsatisfiable == corev1.DoNotSchedule
}

func termAt(k kind, terms []corev1.PodAffinityTerm, index string) (rule, bool) {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(terms) {
		return rule{}, false
	}
	t := &terms[i]
	return rule{k, t.TopologyKey, t.LabelSelector, t.MatchLabelKeys, t.MismatchLabelKeys}, true
}

// pod stands for the Pods of one component of a cluster, with the labels that are known without them.
type pod struct {
	labels map[string]string
	// names is the beginning of their names.
	names string
	count int
}

// podsOf returns the Pods of a cluster with the components of a source.
func podsOf(components []rewrite.Component, counts map[string]int, cluster rewrite.Identity) []pod {
	pods := make([]pod, 0, len(components))
	for i := range components {
		c := &components[i]
		p := pod{labels: map[string]string{}, names: cluster.Name + "-" + c.Name + "-", count: max(counts[c.Name], 1)}
		if len(c.Labels) > 0 {
			for key, value := range c.Labels[0] {
				p.labels[key] = value
			}
		}
		p.labels[rewrite.LabelInstance] = cluster.Name
		if cluster.UID != "" {
			p.labels[rewrite.LabelClusterUID] = string(cluster.UID)
		}
		if c.Sharding {
			p.labels[rewrite.LabelShardingName] = c.Name
		} else {
			p.labels[rewrite.LabelComponentName] = c.Name
			p.labels[rewrite.LabelWorkload] = cluster.Name + "-" + c.Name
		}
		pods = append(pods, p)
	}
	return pods
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

func (p *pod) meets(r metav1.LabelSelectorRequirement) bool {
	switch r.Key {
	case rewrite.LabelPodName, rewrite.LabelInstanceName, rewrite.LabelStatefulSetPod:
		return p.isNamed(r)
	}
	value, known := p.labels[r.Key]
	if !known {
		return true
	}
	switch r.Operator {
	case metav1.LabelSelectorOpIn:
		return slices.Contains(r.Values, value) || r.Key == rewrite.LabelComponentName && slices.Contains(r.Values, "")
	case metav1.LabelSelectorOpNotIn:
		return !slices.Contains(r.Values, value)
	case metav1.LabelSelectorOpDoesNotExist:
		return false
	}
	return true
}

// isNamed is meets for a label that holds the name of the Pod.
func (p *pod) isNamed(r metav1.LabelSelectorRequirement) bool {
	switch r.Operator {
	case metav1.LabelSelectorOpIn:
		return slices.ContainsFunc(r.Values, func(name string) bool { return strings.HasPrefix(name, p.names) })
	case metav1.LabelSelectorOpDoesNotExist:
		return r.Key != rewrite.LabelPodName
	}
	return true
}

// identifies reports whether Pods of two clusters differ in a label.
func identifies(key string) bool {
	switch key {
	case rewrite.LabelInstance, rewrite.LabelWorkload, rewrite.LabelPodName, rewrite.LabelInstanceName, rewrite.LabelStatefulSetPod, rewrite.LabelClusterUID:
		return true
	}
	return false
}
