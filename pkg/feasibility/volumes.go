package feasibility

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// MountableOn returns the nodes on which a volume can be mounted, or nil for all nodes. The scheduler also obeys labels for zone and
// region, which old in-tree drivers wrote instead of a node affinity. It ignores them on nodes that have neither.
func MountableOn(v *corev1.PersistentVolume) *corev1.VolumeNodeAffinity {
	within := labelledTopology(v.Labels)
	if len(within) == 0 {
		return v.Spec.NodeAffinity
	}
	outside := []corev1.NodeSelectorRequirement{
		{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpDoesNotExist},
		{Key: corev1.LabelTopologyRegion, Operator: corev1.NodeSelectorOpDoesNotExist},
	}
	terms := []corev1.NodeSelectorTerm{{}}
	if a := v.Spec.NodeAffinity; a != nil && a.Required != nil {
		terms = a.Required.NodeSelectorTerms
	}
	both := &corev1.NodeSelector{}
	for i := range terms {
		for _, requirements := range [][]corev1.NodeSelectorRequirement{within, outside} {
			term := terms[i].DeepCopy()
			term.MatchExpressions = append(term.MatchExpressions, requirements...)
			both.NodeSelectorTerms = append(both.NodeSelectorTerms, *term)
		}
	}
	return &corev1.VolumeNodeAffinity{Required: both}
}

// labelledTopology returns what the labels of a volume ask of a node. Names joined by two underscores are alternatives.
func labelledTopology(labels map[string]string) []corev1.NodeSelectorRequirement {
	var requirements []corev1.NodeSelectorRequirement
	for _, key := range [][2]string{
		{corev1.LabelTopologyZone, corev1.LabelTopologyZone}, {corev1.LabelFailureDomainBetaZone, corev1.LabelTopologyZone},
		{corev1.LabelTopologyRegion, corev1.LabelTopologyRegion}, {corev1.LabelFailureDomainBetaRegion, corev1.LabelTopologyRegion},
	} {
		if value, ok := labels[key[0]]; ok {
			requirements = append(requirements, corev1.NodeSelectorRequirement{
				Key: key[1], Operator: corev1.NodeSelectorOpIn, Values: strings.Split(value, "__"),
			})
		}
	}
	return requirements
}
