package rewrite

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// Only returns a policy with those of its rules about Pods whose JSON Pointers are wanted, and without rules about nodes.
func Only(p *Policy, wanted func(path string) bool) Policy {
	return p.only(p.Path, func(t term) bool { return wanted(p.Path + t.list() + strconv.Itoa(t.index) + t.below()) })
}

// only returns the policy at a path with those of its rules about Pods that are wanted.
func (p *Policy) only(path string, wanted func(term) bool) Policy {
	only := *p
	only.Path, only.NodeName, only.NodeSelector, only.Affinity, only.TopologySpreadConstraints = path, "", nil, nil, nil
	for t := range eachRule(p) {
		if wanted(t) {
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
