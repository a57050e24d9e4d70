package rewrite

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

// selector returns the selector that selects the target where s selects the source that it names. It keeps every requirement
// at its index and appends new ones. It returns nil where no selector can do so.
func (r *renamer) selector(s *metav1.LabelSelector) *metav1.LabelSelector {
	rewritten := copied(s)
	if !r.rewriteLabels(rewritten) || !r.rewriteExpressions(rewritten) {
		return nil
	}
	return rewritten
}

// copied returns a copy that shares the lists of values. These are replaced and never modified.
func copied(s *metav1.LabelSelector) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: maps.Clone(s.MatchLabels), MatchExpressions: slices.Clone(s.MatchExpressions)}
}

func (r *renamer) rewriteLabels(s *metav1.LabelSelector) bool {
	for key, value := range s.MatchLabels {
		renamed, m := r.rename(key, value)
		if m == unmappable {
			return false
		}
		if m != ofSource || renamed == "" {
			continue
		}
		if r.valid.label(key, renamed) != "" {
			return false
		}
		s.MatchLabels[key] = renamed
	}
	if _, m := r.rename(LabelClusterUID, s.MatchLabels[LabelClusterUID]); m == ofSource && r.target.UID == "" {
		delete(s.MatchLabels, LabelClusterUID)
		return r.scope(s)
	}
	return true
}

// scope limits a selector to the target's Pods. It returns false where the target's name is not a valid label value.
func (r *renamer) scope(s *metav1.LabelSelector) bool {
	if s.MatchLabels == nil {
		s.MatchLabels = map[string]string{}
	}
	switch name, scoped := s.MatchLabels[LabelInstance]; {
	case !scoped:
		s.MatchLabels[LabelInstance] = r.target.Name
	case name != r.target.Name:
		s.MatchExpressions = append(s.MatchExpressions, r.instance(metav1.LabelSelectorOpIn))
	}
	return r.valid.label(LabelInstance, r.target.Name) == ""
}

// instance returns the requirement on the target's name.
func (r *renamer) instance(operator metav1.LabelSelectorOperator) metav1.LabelSelectorRequirement {
	return metav1.LabelSelectorRequirement{Key: LabelInstance, Operator: operator, Values: []string{r.target.Name}}
}

func (r *renamer) rewriteExpressions(s *metav1.LabelSelector) bool {
	for i := range s.MatchExpressions {
		requirement := &s.MatchExpressions[i]
		values, uidMissing, ok := r.values(requirement.Key, requirement.Values)
		switch {
		case !ok:
			return false
		case !uidMissing:
			requirement.Values = values
		case r.valid.label(LabelInstance, r.target.Name) != "":
			return false
		case len(values) == 0:
			// The target's UID is not known yet, but its name is.
			*requirement = r.instance(requirement.Operator)
		case requirement.Operator == metav1.LabelSelectorOpNotIn:
			requirement.Values = values
			s.MatchExpressions = append(s.MatchExpressions, r.instance(metav1.LabelSelectorOpNotIn))
		default:
			return false // "this UID or that name" needs two terms
		}
	}
	return true
}

// values returns the values of a requirement for the target, in their order and without new duplicates. uidMissing reports
// whether a source's UID was left out because the target's is not known yet. ok is false where a value has no valid
// counterpart.
func (r *renamer) values(key string, values []string) (renamed []string, uidMissing, ok bool) {
	have := sets.New(values...)
	renamed = make([]string, 0, len(values))
	for _, value := range values {
		to, m := r.rename(key, value)
		switch {
		case m == unmappable || r.valid.label(key, to) != "":
			return nil, false, false
		case m != ofSource:
			renamed = append(renamed, value)
		case to == "":
			uidMissing = true
		case to == value || !have.Has(to):
			renamed = append(renamed, to)
			have.Insert(to)
		}
	}
	return renamed, uidMissing, true
}

// names is what a selector says about clusters.
type names struct {
	source bool
	// own reports whether it names the target, where the policies are the target's own.
	own bool
	// unmappable reports whether it names something of a source that has no counterpart in the target.
	unmappable bool
	// others are the values that name other clusters, in their order.
	others []string
	// only reports whether the selector can select no Pods of other clusters than the sources.
	only bool
}

// named returns what a selector says about clusters.
func (r *renamer) named(s *metav1.LabelSelector) names {
	var n names
	if s == nil {
		return n
	}
	for key, value := range s.MatchLabels {
		if n.add(r, key, value) == ofSource {
			n.only = true
		}
	}
	slices.Sort(n.others)
	for i := range s.MatchExpressions {
		requirement := &s.MatchExpressions[i]
		for _, value := range requirement.Values {
			n.add(r, requirement.Key, value)
		}
		n.only = n.only || requirement.Operator == metav1.LabelSelectorOpIn && r.sourceOnly(requirement)
	}
	return n
}

// sourceOnly reports whether all values of a requirement name sources. The target's value counts as theirs, because an older
// cluster of the target's name looks the same.
func (r *renamer) sourceOnly(requirement *metav1.LabelSelectorRequirement) bool {
	known := sets.New[string]()
	for _, value := range requirement.Values {
		if renamed, m := r.rename(requirement.Key, value); m == ofSource {
			known.Insert(value, renamed)
		}
	}
	return len(known) > 0 && known.HasAll(requirement.Values...)
}

// isTarget reports whether a value names the target.
func (r *renamer) isTarget(key, value string) bool {
	if key == LabelClusterUID {
		return value == string(r.target.UID)
	}
	rest, ok := strings.CutPrefix(value, r.target.Name)
	return ok && slices.ContainsFunc(r.components, func(c components) bool { return c.meaningOf(key, rest) != ofOther })
}

func (n *names) add(r *renamer, key, value string) meaning {
	_, m := r.rename(key, value)
	switch {
	case m == ofSource:
		n.source = true
	case r.live && value != "" && (m == ofOther || key == LabelClusterUID) && r.isTarget(key, value):
		n.own = true
	case m == unmappable:
		n.unmappable = true
	case m == ofOther && value != "":
		n.others = append(n.others, value)
	}
	return m
}
