package rewrite

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Relax returns the edits that turn a policy's required rules about the Pods of one cluster alone into preferred ones. Then
// its Pods can share a node or leave a zone empty if they must. It keeps rules about other Pods.
func Relax(p *Policy, cluster Identity) []Edit {
	edits, _ := RelaxOnly(p, cluster, func(string) bool { return true })
	return edits
}

// RelaxOnly is Relax for the rules whose JSON Pointers are wanted. It returns the pointers of those that become preferred, too.
func RelaxOnly(p *Policy, cluster Identity, wanted func(path string) bool) (changes []Edit, relaxed []string) {
	r := newRenamer([]Source{{Identity: cluster}}, cluster, nil)
	alone := map[kind][]term{}
	for _, t := range terms(p) {
		if t.required && wanted(t.path) && r.named(t.selector).only && r.inRange(t) {
			alone[t.kind] = append(alone[t.kind], t)
		}
	}
	var e edits
	if p.Affinity != nil && p.Affinity.PodAffinity != nil {
		a := p.Affinity.PodAffinity
		e.prefer(alone[affinity], podTerms(alone[affinity]), a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if p.Affinity != nil && p.Affinity.PodAntiAffinity != nil {
		a := p.Affinity.PodAntiAffinity
		e.prefer(alone[antiAffinity], podTerms(alone[antiAffinity]), a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	for _, t := range append(alone[affinity], alone[antiAffinity]...) {
		relaxed = append(relaxed, t.path)
	}
	return e, append(relaxed, e.scheduleAnyway(alone[spread], p.TopologySpreadConstraints)...)
}

// strongest is the largest weight of a preferred term.
const strongest = 100

func podTerms(of []term) []corev1.PodAffinityTerm {
	pods := make([]corev1.PodAffinityTerm, len(of))
	for i, t := range of {
		pods[i] = *t.pods
	}
	return pods
}

// prefer adds the edits that move some of the required terms of one kind to the preferred ones, with these rules.
func (e *edits) prefer(moved []term, rules, required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm) {
	if len(moved) == 0 {
		return
	}
	relaxed := make([]corev1.WeightedPodAffinityTerm, len(rules))
	for i := range rules {
		relaxed[i] = corev1.WeightedPodAffinityTerm{Weight: strongest, PodAffinityTerm: rules[i]}
	}
	from := moved[0].path[:strings.LastIndexByte(moved[0].path, '/')]
	to := strings.Replace(from, "/required", "/preferred", 1)
	if len(preferred) == 0 {
		e.add(to, nil, relaxed)
	} else {
		for _, t := range relaxed {
			e.add(to+"/-", nil, t)
		}
	}
	if len(moved) == len(required) {
		e.add(from, required, nil)
		return
	}
	for i := len(moved) - 1; i >= 0; i-- { // the last first, so that the other indexes stay valid
		e.add(moved[i].path, *moved[i].pods, nil)
	}
}

// scheduleAnyway adds the edits that let Pods be scheduled where a spread constraint is not met. It keeps a constraint if
// another one with its topology key has ScheduleAnyway already: the API server rejects two.
// It returns the JSON Pointers of the constraints that it changes.
func (e *edits) scheduleAnyway(required []term, all []corev1.TopologySpreadConstraint) (relaxed []string) {
	anyway := map[string]bool{}
	for _, c := range all {
		anyway[c.TopologyKey] = anyway[c.TopologyKey] || c.WhenUnsatisfiable == corev1.ScheduleAnyway
	}
	for _, t := range required {
		if anyway[t.topologyKey] {
			continue
		}
		e.add(t.path+"/whenUnsatisfiable", string(corev1.DoNotSchedule), string(corev1.ScheduleAnyway))
		if t.constraint.MinDomains != nil {
			e.add(t.path+"/minDomains", *t.constraint.MinDomains, nil) // valid with DoNotSchedule only
		}
		relaxed = append(relaxed, t.path)
	}
	return relaxed
}
