package rewrite

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Fields that list the label keys whose values a rule takes from its own Pod.
const (
	matchLabelKeys    = "matchLabelKeys"
	mismatchLabelKeys = "mismatchLabelKeys"
)

// validator finds what the API server would reject in a rule. It caches the results for keys, because rules share them.
type validator struct {
	keys map[string]string
}

func newValidator() *validator { return &validator{keys: map[string]string{}} }

// policy returns what is wrong with each of the rules of a policy; an empty string where nothing is.
func (v *validator) policy(rules []term) []string {
	problems := make([]string, len(rules))
	type constraint struct {
		topologyKey string
		required    bool
	}
	seen := map[constraint]bool{}
	for i, t := range rules {
		problems[i] = v.term(t)
		if t.constraint == nil {
			continue
		}
		if c := (constraint{t.topologyKey, t.required}); seen[c] && problems[i] == "" {
			problems[i] = fmt.Sprintf(problemDuplicateConstraint, t.topologyKey, t.constraint.WhenUnsatisfiable)
		} else {
			seen[c] = true
		}
	}
	return problems
}

// term returns what is wrong with a term, or an empty string.
func (v *validator) term(t term) string {
	if problem := v.selector(t.selector); problem != "" {
		return problem
	}
	if problem := v.key(t.topologyKey); problem != "" {
		return fmt.Sprintf(problemTopologyKey, t.topologyKey, problem)
	}
	if t.constraint != nil {
		return cmp.Or(v.constraint(t.constraint), v.labelKeys(matchLabelKeys, t.constraint.MatchLabelKeys, t.selector))
	}
	return v.podTerm(t)
}

func (v *validator) podTerm(t term) string {
	if !t.required && (t.weight < 1 || t.weight > 100) {
		return fmt.Sprintf(problemWeight, t.weight)
	}
	for _, namespace := range t.pods.Namespaces {
		if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
			return fmt.Sprintf(problemNamespace, namespace, problems[0])
		}
	}
	for _, key := range t.pods.MatchLabelKeys {
		if slices.Contains(t.pods.MismatchLabelKeys, key) {
			return fmt.Sprintf(problemKeyInBoth, key, matchLabelKeys, mismatchLabelKeys)
		}
	}
	return cmp.Or(
		v.labelKeys(matchLabelKeys, t.pods.MatchLabelKeys, t.selector),
		v.labelKeys(mismatchLabelKeys, t.pods.MismatchLabelKeys, t.selector),
		v.selector(t.pods.NamespaceSelector),
	)
}

// labelKeys returns what is wrong with the keys of a field. Only those of matchLabelKeys must not be in the selector as well.
func (v *validator) labelKeys(field string, keys []string, s *metav1.LabelSelector) string {
	if len(keys) > 0 && s == nil {
		return fmt.Sprintf(problemNoSelector, field)
	}
	for _, key := range keys {
		if problem := v.key(key); problem != "" {
			return fmt.Sprintf(problemLabelKeys, field, key, problem)
		}
		if field == matchLabelKeys && anyRequirement(s, func(r metav1.LabelSelectorRequirement) bool { return r.Key == key }) {
			return fmt.Sprintf(problemKeyInBoth, key, field, "labelSelector")
		}
	}
	return ""
}

func (v *validator) constraint(c *corev1.TopologySpreadConstraint) string {
	switch {
	case c.MaxSkew < 1:
		return fmt.Sprintf(problemNotPositive, "maxSkew", c.MaxSkew)
	case c.WhenUnsatisfiable != corev1.DoNotSchedule && c.WhenUnsatisfiable != corev1.ScheduleAnyway:
		return fmt.Sprintf(problemNeither, "whenUnsatisfiable", c.WhenUnsatisfiable, corev1.DoNotSchedule, corev1.ScheduleAnyway)
	case c.MinDomains != nil && *c.MinDomains < 1:
		return fmt.Sprintf(problemNotPositive, "minDomains", *c.MinDomains)
	case c.MinDomains != nil && c.WhenUnsatisfiable != corev1.DoNotSchedule:
		return problemMinDomains
	}
	return cmp.Or(inclusion("nodeAffinityPolicy", c.NodeAffinityPolicy), inclusion("nodeTaintsPolicy", c.NodeTaintsPolicy))
}

func inclusion(field string, p *corev1.NodeInclusionPolicy) string {
	if p == nil || *p == corev1.NodeInclusionPolicyHonor || *p == corev1.NodeInclusionPolicyIgnore {
		return ""
	}
	return fmt.Sprintf(problemNeither, field, *p, corev1.NodeInclusionPolicyHonor, corev1.NodeInclusionPolicyIgnore)
}

func (v *validator) selector(s *metav1.LabelSelector) string {
	if s == nil {
		return ""
	}
	var least string // the same one of several problems in any order of the map
	for key, value := range s.MatchLabels {
		if problem := v.label(key, value); problem != "" && (least == "" || problem < least) {
			least = problem
		}
	}
	if least != "" {
		return least
	}
	for i := range s.MatchExpressions {
		if problem := v.requirement(&s.MatchExpressions[i]); problem != "" {
			return problem
		}
	}
	return ""
}

func (v *validator) requirement(r *metav1.LabelSelectorRequirement) string {
	switch r.Operator {
	case metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn:
		if len(r.Values) == 0 {
			return fmt.Sprintf(problemNoValues, r.Operator, r.Key)
		}
	case metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist:
		if len(r.Values) > 0 {
			return fmt.Sprintf(problemValues, r.Operator, r.Key)
		}
	default:
		return fmt.Sprintf(problemOperator, r.Operator)
	}
	for _, value := range r.Values {
		if problem := v.label(r.Key, value); problem != "" {
			return problem
		}
	}
	if problem := v.key(r.Key); problem != "" {
		return fmt.Sprintf(problemLabelKey, r.Key, problem)
	}
	return ""
}

func (v *validator) label(key, value string) string {
	if problem := v.key(key); problem != "" {
		return fmt.Sprintf(problemLabelKey, key, problem)
	}
	if isPlain(value) {
		return ""
	}
	if problem := first(validation.IsValidLabelValue(value)); problem != "" {
		return fmt.Sprintf(problemLabelValue, value, problem)
	}
	return ""
}

// isPlain reports whether a label value is certainly valid. Names of clusters and components are, and a regular expression
// for each would cost as much as the rest of the rule.
func isPlain(value string) bool {
	for i := range len(value) {
		if c := value[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || i == 0 || i == len(value)-1) {
			return false
		}
	}
	return len(value) <= validation.LabelValueMaxLength
}

func (v *validator) key(key string) string {
	switch key {
	case LabelInstance, LabelComponentName, corev1.LabelHostname, corev1.LabelTopologyZone:
		return "" // most rules have no other keys
	}
	problem, seen := v.keys[key]
	if !seen {
		problem = first(validation.IsQualifiedName(key))
		v.keys[key] = problem
	}
	return problem
}

func first(problems []string) string {
	if len(problems) == 0 {
		return ""
	}
	return problems[0]
}
