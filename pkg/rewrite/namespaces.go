package rewrite

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// inRange reports whether a term can take Pods in a source's namespace. Labels of namespaces other than their name are not
// known here, so a selector of them may.
func (r *renamer) inRange(t term) bool {
	if t.implicitNamespace() {
		return true
	}
	return slices.ContainsFunc(r.sources, func(s Source) bool { return mayRangeOver(t.pods, s.Namespace) })
}

// mayRangeOver reports whether a term that spells out its namespaces can take Pods in one of them.
func mayRangeOver(t *corev1.PodAffinityTerm, namespace string) bool {
	return slices.Contains(t.Namespaces, namespace) || mayTakeNamespace(t.NamespaceSelector, namespace)
}

// surelyRangesOver reports whether a term that spells out its namespaces takes Pods in one of them, whatever its labels.
func surelyRangesOver(t *corev1.PodAffinityTerm, namespace string) bool {
	if slices.Contains(t.Namespaces, namespace) {
		return true
	}
	return mayTakeNamespace(t.NamespaceSelector, namespace) &&
		!anyRequirement(t.NamespaceSelector, func(r metav1.LabelSelectorRequirement) bool { return r.Key != LabelNamespace })
}

// mayTakeNamespace reports whether a selector can take a namespace of which only the name is known.
func mayTakeNamespace(s *metav1.LabelSelector, name string) bool {
	if s == nil {
		return false
	}
	if value, ok := s.MatchLabels[LabelNamespace]; ok && value != name {
		return false
	}
	return !slices.ContainsFunc(s.MatchExpressions, func(r metav1.LabelSelectorRequirement) bool {
		return r.Key == LabelNamespace && !takes(r, name)
	})
}

// takes reports whether a requirement is met by a label with the given value.
func takes(r metav1.LabelSelectorRequirement, value string) bool {
	switch r.Operator {
	case metav1.LabelSelectorOpIn:
		return slices.Contains(r.Values, value)
	case metav1.LabelSelectorOpNotIn:
		return !slices.Contains(r.Values, value)
	default:
		return r.Operator == metav1.LabelSelectorOpExists
	}
}

// moved reports whether the target is in another namespace than a source.
func (r *renamer) moved() bool {
	return slices.ContainsFunc(r.sources, func(s Source) bool { return s.Namespace != r.target.Namespace })
}

// namespaces returns the term with the target's namespace wherever it names a source's. It shares what it does not change.
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

// namespaceNames returns the list with the target's namespace in the place of a source's, without a duplicate that was not
// there.
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

// namespaceEdits adds the edits that turn the namespaces of one term at path into those of another.
func (l *leaves) namespaces(path string, from, to *corev1.PodAffinityTerm) {
	l.list(path+"/namespaces", from.Namespaces, to.Namespaces)
	l.selector(path, "/namespaceSelector", from.NamespaceSelector, to.NamespaceSelector)
}
