package placement

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// RuleKind is what a rule demands.
type RuleKind string

// The kinds of rules.
const (
	Affinity     RuleKind = "pod affinity"
	AntiAffinity RuleKind = "pod anti-affinity"
	Spread       RuleKind = "topology spread"
)

// Rule is one required rule of a Pod about other Pods.
type Rule struct {
	Kind RuleKind
	// Path is a JSON Pointer into the Pod.
	Path string
	// Term is that of an affinity rule, and Constraint that of a topology spread.
	Term       *corev1.PodAffinityTerm
	Constraint *corev1.TopologySpreadConstraint
}

const (
	pathAffinity     = "/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/%d"
	pathAntiAffinity = "/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/%d"
	pathSpread       = "/spec/topologySpreadConstraints/%d"
)

// rulesOf lists the required rules of a Pod about other Pods.
func rulesOf(pod *corev1.Pod) []Rule {
	var rules []Rule
	for i := range affinityOf(pod) {
		rules = append(rules, Rule{Kind: Affinity, Path: fmt.Sprintf(pathAffinity, i), Term: &affinityOf(pod)[i]})
	}
	for i := range antiAffinityOf(pod) {
		rules = append(rules, Rule{Kind: AntiAffinity, Path: fmt.Sprintf(pathAntiAffinity, i), Term: &antiAffinityOf(pod)[i]})
	}
	for i := range pod.Spec.TopologySpreadConstraints {
		if c := &pod.Spec.TopologySpreadConstraints[i]; c.WhenUnsatisfiable == corev1.DoNotSchedule {
			rules = append(rules, Rule{Kind: Spread, Path: fmt.Sprintf(pathSpread, i), Constraint: c})
		}
	}
	return rules
}

func affinityOf(pod *corev1.Pod) []corev1.PodAffinityTerm {
	if a := pod.Spec.Affinity; a != nil && a.PodAffinity != nil {
		return a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	return nil
}

func antiAffinityOf(pod *corev1.Pod) []corev1.PodAffinityTerm {
	if a := pod.Spec.Affinity; a != nil && a.PodAntiAffinity != nil {
		return a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	return nil
}

// withRules returns a copy of a Pod with those of its required rules about Pods that are wanted.
func withRules(pod *corev1.Pod, wanted func(path string) bool) *corev1.Pod {
	next := pod.DeepCopy()
	keepTerms := func(all []corev1.PodAffinityTerm, path string) []corev1.PodAffinityTerm {
		var kept []corev1.PodAffinityTerm
		for i := range all {
			if wanted(fmt.Sprintf(path, i)) {
				kept = append(kept, all[i])
			}
		}
		return kept
	}
	if a := next.Spec.Affinity; a != nil && a.PodAffinity != nil {
		a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution = keepTerms(affinityOf(pod), pathAffinity)
	}
	if a := next.Spec.Affinity; a != nil && a.PodAntiAffinity != nil {
		a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution = keepTerms(antiAffinityOf(pod), pathAntiAffinity)
	}
	next.Spec.TopologySpreadConstraints = nil
	for i, c := range pod.Spec.TopologySpreadConstraints {
		if c.WhenUnsatisfiable != corev1.DoNotSchedule || wanted(fmt.Sprintf(pathSpread, i)) {
			next.Spec.TopologySpreadConstraints = append(next.Spec.TopologySpreadConstraints, c)
		}
	}
	return next
}

func (r Rule) selector() *metav1.LabelSelector {
	if r.Constraint != nil {
		return r.Constraint.LabelSelector
	}
	return r.Term.LabelSelector
}

func (r Rule) topologyKey() string {
	if r.Constraint != nil {
		return r.Constraint.TopologyKey
	}
	return r.Term.TopologyKey
}

// describe names a rule in a few words: "mysql: not on a node with my1".
func (r Rule) describe(component string) string {
	text := ""
	domain, pods := domainOf(r.topologyKey()), describePods(r.selector())
	switch r.Kind {
	case Affinity:
		text = fmt.Sprintf(textOnlyWith, domain, pods)
	case AntiAffinity:
		text = fmt.Sprintf(textNotWith, domain, pods)
	case Spread:
		text = fmt.Sprintf(textSpread, pods, domain, r.Constraint.MaxSkew)
	}
	if component != "" {
		text = component + ": " + text
	}
	return text
}

// domainOf names the domain of a topology key. Other keys stand for themselves.
func domainOf(key string) string {
	switch key {
	case corev1.LabelHostname:
		return "node"
	case corev1.LabelTopologyZone, corev1.LabelFailureDomainBetaZone:
		return "zone"
	case corev1.LabelTopologyRegion, corev1.LabelFailureDomainBetaRegion:
		return "region"
	}
	return key
}

// describePods names the Pods of a selector: the cluster, where it names one, and else the selector itself.
func describePods(s *metav1.LabelSelector) string {
	if s == nil {
		return "no Pods"
	}
	labels := map[string]string{}
	maps.Copy(labels, s.MatchLabels)
	var rest []metav1.LabelSelectorRequirement
	for _, q := range s.MatchExpressions {
		if q.Operator == metav1.LabelSelectorOpIn && len(q.Values) == 1 {
			labels[q.Key] = q.Values[0]
		} else {
			rest = append(rest, q)
		}
	}
	cluster, component := labels[rewrite.LabelInstance], labels[rewrite.LabelComponentName]
	delete(labels, rewrite.LabelInstance)
	delete(labels, rewrite.LabelComponentName)
	delete(labels, rewrite.LabelManagedBy)
	if len(labels) > 0 || len(rest) > 0 || cluster == "" && component == "" {
		if len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
			return "any Pod"
		}
		return "Pods with " + metav1.FormatLabelSelector(s)
	}
	return strings.Join(slices.DeleteFunc([]string{cluster, component}, func(name string) bool { return name == "" }), " ")
}
