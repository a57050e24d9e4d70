package rewrite

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// validator says what the API server would refuse in a rule. It remembers the keys and values that it has seen: the same
// few stand in every rule.
type validator struct {
	keys, values map[string]string
}

func newValidator() *validator {
	return &validator{keys: map[string]string{}, values: map[string]string{}}
}

func validSelector(s *metav1.LabelSelector) bool { return newValidator().selector(s) == "" }

// term returns what is wrong with a term, or an empty string.
func (v *validator) term(t term) string {
	if problem := v.selector(t.selector); problem != "" {
		return problem
	}
	if problem := v.key(t.topologyKey); problem != "" {
		return fmt.Sprintf("topologyKey %q: %s", t.topologyKey, problem)
	}
	if t.constraint != nil {
		return v.constraint(t.constraint)
	}
	if !t.required && (t.weight < 1 || t.weight > 100) {
		return fmt.Sprintf("weight %d is not in 1 to 100", t.weight)
	}
	return v.selector(t.pods.NamespaceSelector)
}

func (v *validator) constraint(c *corev1.TopologySpreadConstraint) string {
	switch {
	case c.MaxSkew < 1:
		return fmt.Sprintf("maxSkew %d is not positive", c.MaxSkew)
	case c.WhenUnsatisfiable != corev1.DoNotSchedule && c.WhenUnsatisfiable != corev1.ScheduleAnyway:
		return fmt.Sprintf("whenUnsatisfiable %q is neither DoNotSchedule nor ScheduleAnyway", c.WhenUnsatisfiable)
	}
	return ""
}

func (v *validator) selector(s *metav1.LabelSelector) string {
	if s == nil {
		return ""
	}
	for key, value := range s.MatchLabels {
		if problem := v.label(key, value); problem != "" {
			return problem
		}
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
			return fmt.Sprintf("operator %s on %s has no values", r.Operator, r.Key)
		}
	case metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist:
		if len(r.Values) > 0 {
			return fmt.Sprintf("operator %s on %s has values", r.Operator, r.Key)
		}
	default:
		return fmt.Sprintf("there is no operator %q", r.Operator)
	}
	for _, value := range r.Values {
		if problem := v.label(r.Key, value); problem != "" {
			return problem
		}
	}
	if problem := v.key(r.Key); problem != "" {
		return fmt.Sprintf("label key %q: %s", r.Key, problem)
	}
	return ""
}

func (v *validator) label(key, value string) string {
	if problem := v.key(key); problem != "" {
		return fmt.Sprintf("label key %q: %s", key, problem)
	}
	problem, seen := v.values[value]
	if !seen {
		problem = first(validation.IsValidLabelValue(value))
		v.values[value] = problem
	}
	if problem != "" {
		return fmt.Sprintf("label value %q: %s", value, problem)
	}
	return ""
}

func (v *validator) key(key string) string {
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
