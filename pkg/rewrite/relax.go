package rewrite

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// Relax returns the edits that make preferences of a policy's required rules about the Pods of one cluster alone: with them
// its Pods can share a node, or leave a zone without any, where nothing else is possible. Rules about other Pods stay.
func Relax(p *Policy, cluster Identity) []Edit {
	r := newRenamer([]Source{{Identity: cluster}}, cluster, nil)
	var l leaves
	if p.Affinity != nil {
		if a := p.Affinity.PodAffinity; a != nil {
			l.relax(r, affinity, p.Path+"/affinity/podAffinity",
				a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
		}
		if a := p.Affinity.PodAntiAffinity; a != nil {
			l.relax(r, antiAffinity, p.Path+"/affinity/podAntiAffinity",
				a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
		}
	}
	l.relaxSpread(r, p)
	return l
}

// strongest is the weight that is nearest to a requirement.
const strongest = 100

// relax adds the edits that make preferences of the required terms about the cluster alone.
func (l *leaves) relax(r renamer, k kind, path string, required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm) {
	var relaxed []corev1.WeightedPodAffinityTerm
	var removals leaves
	for i, t := range appendAffinity(nil, k, path, required, nil) {
		if r.isAlone(t) {
			relaxed = append(relaxed, corev1.WeightedPodAffinityTerm{Weight: strongest, PodAffinityTerm: required[i]})
			removals.add(t.path, required[i], nil)
		}
	}
	if len(relaxed) == 0 {
		return
	}
	const field = "/preferredDuringSchedulingIgnoredDuringExecution"
	if len(preferred) == 0 {
		l.add(path+field, nil, relaxed)
	} else {
		for _, t := range relaxed {
			l.add(path+field+"/-", nil, t)
		}
	}
	for i := len(removals) - 1; i >= 0; i-- { // from behind, so that no index changes before its turn
		*l = append(*l, removals[i])
	}
}

// relaxSpread adds the edits that let Pods be scheduled where a spread constraint about the cluster alone is not met. One
// stays that another constraint on the same topology key already says in this way: the API server refuses two.
func (l *leaves) relaxSpread(r renamer, p *Policy) {
	anyway := map[string]bool{}
	for _, c := range p.TopologySpreadConstraints {
		anyway[c.TopologyKey] = anyway[c.TopologyKey] || c.WhenUnsatisfiable == corev1.ScheduleAnyway
	}
	for i := range p.TopologySpreadConstraints {
		c := &p.TopologySpreadConstraints[i]
		path := p.Path + "/topologySpreadConstraints/" + strconv.Itoa(i)
		if c.WhenUnsatisfiable != corev1.DoNotSchedule || anyway[c.TopologyKey] || !r.isAlone(term{selector: c.LabelSelector}) {
			continue
		}
		l.add(path+"/whenUnsatisfiable", string(corev1.DoNotSchedule), string(corev1.ScheduleAnyway))
		if c.MinDomains != nil {
			l.add(path+"/minDomains", *c.MinDomains, nil) // goes with DoNotSchedule only
		}
	}
}

// isAlone reports whether a term can take Pods of the renamer's cluster only.
func (r renamer) isAlone(t term) bool { return r.named(t.selector).only && r.inRange(t) }
