package rewrite

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// vacuous reports whether a selector selects none of the sources' Pods, whatever cluster it names. The target's Pods differ
// in identity only, so it selects none of those either.
func (r *renamer) vacuous(s *metav1.LabelSelector) bool {
	return s == nil || !r.anyComponent(s, func(_ *Source, c *Component) bool { return maySelect(s, c) })
}

// selectsSource reports whether a selector can select Pods of the sources.
func (r *renamer) selectsSource(s *metav1.LabelSelector) bool {
	return s != nil && r.anyComponent(s, func(source *Source, c *Component) bool {
		return maySelect(s, c) && !anyRequirement(s, func(requirement metav1.LabelSelectorRequirement) bool {
			return slices.Contains(r.nameKeys, requirement.Key) && !allows(requirement, source.Name)
		})
	})
}

// anyComponent reports whether a predicate holds for any component of a source that a selector can be about. It returns true
// where no component is known.
func (r *renamer) anyComponent(s *metav1.LabelSelector, holds func(*Source, *Component) bool) bool {
	name, named := s.MatchLabels[LabelComponentName]
	known := false
	for i := range r.sources {
		source := &r.sources[i]
		if c, ok := r.components[i][name]; named && ok && !c.Sharding {
			if holds(source, c) {
				return true
			}
			known = true
			continue
		}
		for j := range source.Components {
			known = true
			if holds(source, &source.Components[j]) {
				return true
			}
		}
	}
	return !known
}

// maySelect reports whether a selector can select a Pod of one component, whatever the cluster's identity.
func maySelect(s *metav1.LabelSelector, c *Component) bool {
	if anyRequirement(s, c.excludes) {
		return false
	}
	return len(c.Labels) == 0 || slices.ContainsFunc(c.Labels, func(labels map[string]string) bool {
		return len(labels) == 0 || !anyRequirement(s, func(r metav1.LabelSelectorRequirement) bool {
			value, ok := labels[r.Key]
			return ok && !allows(r, value)
		})
	})
}

// anyRequirement reports whether a predicate holds for any requirement of a selector. A label counts as one.
func anyRequirement(s *metav1.LabelSelector, holds func(metav1.LabelSelectorRequirement) bool) bool {
	label := metav1.LabelSelectorRequirement{Operator: metav1.LabelSelectorOpIn, Values: make([]string, 1)}
	for key, value := range s.MatchLabels {
		label.Key, label.Values[0] = key, value
		if holds(label) {
			return true
		}
	}
	return slices.ContainsFunc(s.MatchExpressions, holds)
}

// excludes reports whether a requirement is known to exclude every Pod of the component.
func (c *Component) excludes(requirement metav1.LabelSelectorRequirement) bool {
	switch requirement.Key {
	case LabelInstance, LabelWorkload, LabelPodName:
		return requirement.Operator == metav1.LabelSelectorOpDoesNotExist // every Pod has one
	case LabelComponentName:
		return c.excludesName(requirement)
	case LabelShardingName:
		if c.Sharding {
			return !allows(requirement, c.Name)
		}
		return requirement.Operator == metav1.LabelSelectorOpIn || requirement.Operator == metav1.LabelSelectorOpExists
	}
	return false
}

// excludesName is excludes for the component's name, which is not known for a shard.
func (c *Component) excludesName(requirement metav1.LabelSelectorRequirement) bool {
	if !c.Sharding {
		return !allows(requirement, c.Name)
	}
	switch requirement.Operator {
	case metav1.LabelSelectorOpIn:
		return !slices.ContainsFunc(requirement.Values, func(name string) bool { return name == "" || isShard(name, c.Name) })
	default:
		return requirement.Operator == metav1.LabelSelectorOpDoesNotExist
	}
}
