package kubeblocks

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The values of LegacyAffinity.
const (
	legacyRequired  = "Required"
	legacyDedicated = "DedicatedNode"
)

// labelWorkloadType marks the database Pods that share no node with those of a dedicated tenancy.
const labelWorkloadType = "apps.kubeblocks.io/workload-type"

// legacyPolicy returns the rules that KubeBlocks 0.9 computes from the legacy fields of a Cluster and its component.
func legacyPolicy(cluster, component string, of, own LegacyPolicy) *PodPolicy {
	affinity, tolerations := of.LegacyAffinity, of.LegacyTolerations
	if own.LegacyAffinity != nil {
		affinity = own.LegacyAffinity
	}
	if len(own.LegacyTolerations) > 0 {
		tolerations = own.LegacyTolerations
	}
	if affinity == nil && len(tolerations) == 0 {
		return nil
	}
	p := &PodPolicy{SchedulingPolicy: SchedulingPolicy{Tolerations: tolerations}}
	if affinity == nil {
		return p
	}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{LabelInstance: cluster, LabelComponentName: component}}
	anti := &corev1.PodAntiAffinity{}
	p.Affinity = &corev1.Affinity{NodeAffinity: legacyNodes(affinity.NodeLabels), PodAntiAffinity: anti}
	unsatisfiable := corev1.ScheduleAnyway
	if affinity.PodAntiAffinity == legacyRequired {
		unsatisfiable = corev1.DoNotSchedule
	}
	for _, key := range affinity.TopologyKeys {
		term := corev1.PodAffinityTerm{TopologyKey: key, LabelSelector: selector}
		if affinity.PodAntiAffinity == legacyRequired {
			anti.RequiredDuringSchedulingIgnoredDuringExecution = append(anti.RequiredDuringSchedulingIgnoredDuringExecution, term)
		} else {
			anti.PreferredDuringSchedulingIgnoredDuringExecution = append(anti.PreferredDuringSchedulingIgnoredDuringExecution,
				corev1.WeightedPodAffinityTerm{Weight: 100, PodAffinityTerm: term})
		}
		p.TopologySpreadConstraints = append(p.TopologySpreadConstraints, corev1.TopologySpreadConstraint{
			MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: unsatisfiable, LabelSelector: selector,
		})
	}
	if affinity.Tenancy == legacyDedicated {
		anti.RequiredDuringSchedulingIgnoredDuringExecution = append(anti.RequiredDuringSchedulingIgnoredDuringExecution, corev1.PodAffinityTerm{
			TopologyKey: corev1.LabelHostname,
			LabelSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
				Key: labelWorkloadType, Operator: metav1.LabelSelectorOpIn, Values: []string{"Stateless", "Stateful", "Consensus", "Replication"},
			}}},
		})
	}
	return p
}

// legacyNodes returns the node affinity for labels, each with one value or several that commas separate.
func legacyNodes(labels map[string]string) *corev1.NodeAffinity {
	if len(labels) == 0 {
		return nil
	}
	var term corev1.NodeSelectorTerm
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		term.MatchExpressions = append(term.MatchExpressions, corev1.NodeSelectorRequirement{
			Key: key, Operator: corev1.NodeSelectorOpIn, Values: strings.Split(labels[key], ","),
		})
	}
	return &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
		NodeSelectorTerms: []corev1.NodeSelectorTerm{term},
	}}
}

// mergePolicies adds the rules of an instance template to those of its component, as KubeBlocks 0.9 does. Of both, the terms for nodes
// are alternatives.
func mergePolicies(component, template *PodPolicy) *PodPolicy {
	merged := *component
	if template.NodeName != "" {
		merged.NodeName = template.NodeName
	}
	merged.NodeSelector = map[string]string{}
	maps.Copy(merged.NodeSelector, component.NodeSelector)
	maps.Copy(merged.NodeSelector, template.NodeSelector)
	merged.Tolerations = union(component.Tolerations, template.Tolerations)
	merged.TopologySpreadConstraints = union(component.TopologySpreadConstraints, template.TopologySpreadConstraints)
	merged.Affinity = merge(component.Affinity, template.Affinity, func(a, b *corev1.Affinity) *corev1.Affinity {
		anti := merge((*corev1.PodAffinity)(a.PodAntiAffinity), (*corev1.PodAffinity)(b.PodAntiAffinity), mergePodAffinities)
		return &corev1.Affinity{
			NodeAffinity:    merge(a.NodeAffinity, b.NodeAffinity, mergeNodeAffinities),
			PodAffinity:     merge(a.PodAffinity, b.PodAffinity, mergePodAffinities),
			PodAntiAffinity: (*corev1.PodAntiAffinity)(anti),
		}
	})
	return &merged
}

func mergePodAffinities(a, b *corev1.PodAffinity) *corev1.PodAffinity {
	return &corev1.PodAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: union(a.RequiredDuringSchedulingIgnoredDuringExecution,
			b.RequiredDuringSchedulingIgnoredDuringExecution),
		PreferredDuringSchedulingIgnoredDuringExecution: union(a.PreferredDuringSchedulingIgnoredDuringExecution,
			b.PreferredDuringSchedulingIgnoredDuringExecution),
	}
}

func mergeNodeAffinities(a, b *corev1.NodeAffinity) *corev1.NodeAffinity {
	return &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: merge(a.RequiredDuringSchedulingIgnoredDuringExecution,
			b.RequiredDuringSchedulingIgnoredDuringExecution, func(a, b *corev1.NodeSelector) *corev1.NodeSelector {
				return &corev1.NodeSelector{NodeSelectorTerms: union(a.NodeSelectorTerms, b.NodeSelectorTerms)}
			}),
		PreferredDuringSchedulingIgnoredDuringExecution: union(a.PreferredDuringSchedulingIgnoredDuringExecution,
			b.PreferredDuringSchedulingIgnoredDuringExecution),
	}
}

// merge returns both, or the one that is not nil.
func merge[T any](a, b *T, both func(a, b *T) *T) *T {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return both(a, b)
}

// union appends the elements of b that are not in a.
func union[T any](a, b []T) []T {
	all := slices.Clone(a)
	for _, element := range b {
		if !slices.ContainsFunc(all, func(other T) bool { return equality.Semantic.DeepEqual(element, other) }) {
			all = append(all, element)
		}
	}
	return all
}
