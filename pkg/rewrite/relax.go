package rewrite

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Relax returns the edits that make preferences of a policy's required rules about the Pods of one cluster alone: with them
// its Pods can share a node, or leave a zone without any, where nothing else is possible. Rules about other Pods stay.
func Relax(p *Policy, cluster Identity) []Edit {
	r := newRenamer([]Source{{Identity: cluster}}, cluster, nil)
	alone := map[kind][]term{}
	for _, t := range terms(p) {
		if t.required && r.named(t.selector).only && r.inRange(t) {
			alone[t.kind] = append(alone[t.kind], t)
		}
	}
	var l leaves
	if p.Affinity != nil && p.Affinity.PodAffinity != nil {
		a := p.Affinity.PodAffinity
		l.prefer(alone[affinity], a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if p.Affinity != nil && p.Affinity.PodAntiAffinity != nil {
		a := p.Affinity.PodAntiAffinity
		l.prefer(alone[antiAffinity], a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	l.scheduleAnyway(alone[spread], p.TopologySpreadConstraints)
	return l
}

// strongest is the weight that is nearest to a requirement.
const strongest = 100

// prefer adds the edits that move some of the required terms of one kind to the preferred ones.
func (l *leaves) prefer(moved []term, required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm) {
	if len(moved) == 0 {
		return
	}
	relaxed := make([]corev1.WeightedPodAffinityTerm, 0, len(moved))
	for _, t := range moved {
		relaxed = append(relaxed, corev1.WeightedPodAffinityTerm{Weight: strongest, PodAffinityTerm: *t.pods})
	}
	from := moved[0].path[:strings.LastIndexByte(moved[0].path, '/')]
	to := strings.Replace(from, "/required", "/preferred", 1)
	if len(preferred) == 0 {
		l.add(to, nil, relaxed)
	} else {
		for _, t := range relaxed {
			l.add(to+"/-", nil, t)
		}
	}
	if len(moved) == len(required) {
		l.add(from, required, nil)
		return
	}
	for i := len(moved) - 1; i >= 0; i-- { // from behind, so that no index changes before its turn
		l.add(moved[i].path, *moved[i].pods, nil)
	}
}

// scheduleAnyway adds the edits that let Pods be scheduled where a spread constraint is not met. One stays that another
// constraint on the same topology key already says in this way: the API server refuses two.
func (l *leaves) scheduleAnyway(required []term, all []corev1.TopologySpreadConstraint) {
	anyway := map[string]bool{}
	for _, c := range all {
		anyway[c.TopologyKey] = anyway[c.TopologyKey] || c.WhenUnsatisfiable == corev1.ScheduleAnyway
	}
	for _, t := range required {
		if anyway[t.topologyKey] {
			continue
		}
		l.add(t.path+"/whenUnsatisfiable", string(corev1.DoNotSchedule), string(corev1.ScheduleAnyway))
		if t.constraint.MinDomains != nil {
			l.add(t.path+"/minDomains", *t.constraint.MinDomains, nil) // goes with DoNotSchedule only
		}
	}
}
