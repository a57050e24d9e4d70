package rewrite

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// inRange reports whether a term can apply to a source's namespace. Only the name of a namespace is known here, so a selector
// of other labels can.
func (r *renamer) inRange(t term) bool {
	if t.implicitNamespace() {
		return true
	}
	return slices.ContainsFunc(r.sources, func(s Source) bool { return mayApplyTo(t.pods, s.Namespace) })
}

// mayApplyTo reports whether a term with explicit namespaces can apply to the given one.
func mayApplyTo(t *corev1.PodAffinityTerm, namespace string) bool {
	return slices.Contains(t.Namespaces, namespace) || maySelectNamespace(t.NamespaceSelector, namespace)
}

// surelyAppliesTo reports whether a term with explicit namespaces applies to the given one, whatever the labels of that.
func surelyAppliesTo(t *corev1.PodAffinityTerm, namespace string) bool {
	if slices.Contains(t.Namespaces, namespace) {
		return true
	}
	return maySelectNamespace(t.NamespaceSelector, namespace) &&
		!anyRequirement(t.NamespaceSelector, func(r metav1.LabelSelectorRequirement) bool { return r.Key != LabelNamespace })
}

// maySelectNamespace reports whether a selector can select a namespace when only its name is known.
func maySelectNamespace(s *metav1.LabelSelector, name string) bool {
	if s == nil {
		return false
	}
	if value, ok := s.MatchLabels[LabelNamespace]; ok && value != name {
		return false
	}
	return !slices.ContainsFunc(s.MatchExpressions, func(r metav1.LabelSelectorRequirement) bool {
		return r.Key == LabelNamespace && !allows(r, name)
	})
}

// allows reports whether a label with the given value meets a requirement.
func allows(r metav1.LabelSelectorRequirement, value string) bool {
	switch r.Operator {
	case metav1.LabelSelectorOpIn:
		return slices.Contains(r.Values, value)
	case metav1.LabelSelectorOpNotIn:
		return !slices.Contains(r.Values, value)
	default:
		return r.Operator == metav1.LabelSelectorOpExists
	}
}

// moved reports whether the target and a source are in different namespaces.
func (r *renamer) moved() bool {
	return slices.ContainsFunc(r.sources, func(s Source) bool { return s.Namespace != r.target.Namespace })
}

// namespaces returns the term with the target's namespace instead of a source's. It shares unchanged values.
func (r *renamer) namespaces(t *corev1.PodAffinityTerm) *corev1.PodAffinityTerm {
	moved := *t
	moved.Namespaces = r.namespaceNames(t.Namespaces)
	if t.NamespaceSelector != nil {
		moved.NamespaceSelector = r.namespaceSelector(t.NamespaceSelector)
	}
	return &moved
}

func (r *renamer) namespaceSelector(s *metav1.LabelSelector) *metav1.LabelSelector {
	s = copied(s)
	if name, ok := s.MatchLabels[LabelNamespace]; ok {
		s.MatchLabels[LabelNamespace] = r.namespaceNames([]string{name})[0]
	}
	for i := range s.MatchExpressions {
		if requirement := &s.MatchExpressions[i]; requirement.Key == LabelNamespace {
			requirement.Values = r.namespaceNames(requirement.Values)
		}
	}
	return s
}

// namespaceNames returns the list with the target's namespace instead of a source's, and adds no duplicate.
func (r *renamer) namespaceNames(list []string) []string {
	renamed := make([]string, 0, len(list))
	for _, name := range list {
		switch isSource := slices.ContainsFunc(r.sources, func(s Source) bool { return s.Namespace == name }); {
		case !isSource:
			renamed = append(renamed, name)
		case name == r.target.Namespace || !slices.Contains(list, r.target.Namespace) && !slices.Contains(renamed, r.target.Namespace):
			renamed = append(renamed, r.target.Namespace)
		}
	}
	return renamed
}

// namespaces adds the edits that turn the namespaces of one term at path into those of another.
func (e *edits) namespaces(path string, from, to *corev1.PodAffinityTerm) {
	e.list(path+"/namespaces", from.Namespaces, to.Namespaces)
	e.selector(path, "/namespaceSelector", from.NamespaceSelector, to.NamespaceSelector)
}
