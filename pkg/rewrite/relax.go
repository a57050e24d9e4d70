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
		l.prefer(alone[affinity], p.Affinity.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if p.Affinity != nil && p.Affinity.PodAntiAffinity != nil {
		l.prefer(alone[antiAffinity], p.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	l.scheduleAnyway(alone[spread], p.TopologySpreadConstraints)
	return l
}

// strongest is the weight that is nearest to a requirement.
const strongest = 100

// prefer adds the edits that move required terms of one kind to the preferred ones.
func (l *leaves) prefer(required []term, preferred []corev1.WeightedPodAffinityTerm) {
	if len(required) == 0 {
		return
	}
	relaxed := make([]corev1.WeightedPodAffinityTerm, 0, len(required))
	for _, t := range required {
		relaxed = append(relaxed, corev1.WeightedPodAffinityTerm{Weight: strongest, PodAffinityTerm: *t.pods})
	}
	list := strings.Replace(required[0].path, "/required", "/preferred", 1)
	list = list[:strings.LastIndexByte(list, '/')]
	if len(preferred) == 0 {
		l.add(list, nil, relaxed)
	} else {
		for _, t := range relaxed {
			l.add(list+"/-", nil, t)
		}
	}
	for i := len(required) - 1; i >= 0; i-- { // from behind, so that no index changes before its turn
		l.add(required[i].path, *required[i].pods, nil)
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
