package rewrite

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// Only returns a policy with those of its rules about Pods whose JSON Pointers are wanted, and without rules about nodes.
func Only(p *Policy, wanted func(path string) bool) Policy {
	only := *p
	only.NodeName, only.NodeSelector, only.Affinity, only.TopologySpreadConstraints = "", nil, nil, nil
	for t := range eachRule(p) {
		t.path = p.Path + t.list() + strconv.Itoa(t.index) + t.below()
		if wanted(t.path) {
			only.append(t)
		}
	}
	return only
}

// append adds a rule to the end of its list.
func (p *Policy) append(t term) {
	if t.kind == spread {
		p.TopologySpreadConstraints = append(slices.Clone(p.TopologySpreadConstraints), *t.constraint)
		return
	}
	if p.Affinity == nil {
		p.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{}, PodAntiAffinity: &corev1.PodAntiAffinity{}}
	}
	required, preferred := &p.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution, &p.Affinity.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution
	if t.kind == antiAffinity {
		required, preferred = &p.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution, &p.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution
	}
	if t.required {
		*required = append(*required, *t.pods)
	} else {
		*preferred = append(*preferred, corev1.WeightedPodAffinityTerm{Weight: t.weight, PodAffinityTerm: *t.pods})
	}
}
