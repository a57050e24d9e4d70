package feasibility

import (
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

// decided is a world with a decision on it.
type decided struct {
	*world
	refused map[feasibility.Rule]bool
	// runs says which Pods could run alone.
	runs []bool
	// entries are the rules of each Pod.
	entries [][]entry
}

// entry is one rule of a Pod that can leave it without a node.
type entry struct {
	feasibility.Rule
	// stale and left are the rule before and after; staleTakes and leftTakes what they select.
	stale, left           any
	staleTakes, leftTakes []bool
	changed               bool
	// judged says that a changed rule is in a group with a bound volume.
	judged bool
}

func newDecided(w *world, refusals []feasibility.Refusal, runs []bool) *decided {
	d := &decided{world: w, refused: map[feasibility.Rule]bool{}, runs: runs}
	for _, r := range refusals {
		d.refused[r.Rule] = true
	}
	for pod := range w.seen.Pods {
		d.entries = append(d.entries, d.list(pod))
	}
	for pod := range w.seen.Pods {
		judged := d.besideBound(pod)
		for i := range d.entries[pod] {
			d.entries[pod][i].judged = judged && d.entries[pod][i].changed
		}
	}
	return d
}

// list lists the rules of a Pod.
func (d *decided) list(pod int) []entry {
	var all []entry
	p := &d.seen.Pods[pod]
	add := func(kind feasibility.Kind, i int, key string, stale, rewritten any) {
		e := entry{Rule: feasibility.Rule{Policy: p.Policy, Kind: kind, Index: i, TopologyKey: key}, stale: stale, left: rewritten}
		if d.refused[e.Rule] {
			e.left = stale
		}
		e.changed = !reflect.DeepEqual(e.stale, e.left)
		e.staleTakes, e.leftTakes = d.takes(pod, e.stale), d.takes(pod, e.left)
		all = append(all, e)
	}
	for i, t := range p.Rewritten.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
		add(feasibility.Affinity, i, t.TopologyKey, p.Stale.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution[i], t)
	}
	for i, t := range p.Rewritten.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
		add(feasibility.AntiAffinity, i, t.TopologyKey, p.Stale.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[i], t)
	}
	for i, c := range p.Rewritten.TopologySpreadConstraints {
		if c.WhenUnsatisfiable == corev1.DoNotSchedule {
			add(feasibility.Spread, i, c.TopologyKey, p.Stale.TopologySpreadConstraints[i], c)
		}
	}
	return all
}

// takes returns the Pods that a rule of one selects, of those that could run.
func (d *decided) takes(pod int, rule any) []bool {
	taken := make([]bool, len(d.seen.Pods))
	s, match, mismatch, inRange := parts(rule)
	parsed, err := metav1.LabelSelectorAsSelector(s)
	if err != nil || !inRange {
		return taken
	}
	own := d.seen.Pods[pod].Labels
	for i := range taken {
		of := d.seen.Pods[i].Labels
		taken[i] = d.runs[i] && parsed.Matches(labels.Set(of)) &&
			!slices.ContainsFunc(match, func(key string) bool { return of[key] != own[key] }) &&
			!slices.ContainsFunc(mismatch, func(key string) bool { return of[key] == own[key] })
	}
	return taken
}

// parts returns a rule's selector, the keys that its Pod's labels fill in, and whether it ranges over the cluster's namespace.
func parts(rule any) (s *metav1.LabelSelector, match, mismatch []string, inRange bool) {
	switch r := rule.(type) {
	case corev1.PodAffinityTerm:
		inRange = len(r.Namespaces) == 0 || slices.Contains(r.Namespaces, namespace) || r.NamespaceSelector != nil
		return r.LabelSelector, r.MatchLabelKeys, r.MismatchLabelKeys, inRange
	case corev1.TopologySpreadConstraint:
		return r.LabelSelector, r.MatchLabelKeys, nil, true
	}
	return nil, nil, nil, false
}

// group returns the Pods that are joined to one by what the rules select, or selected before.
func (d *decided) group(pod int) map[int]bool {
	group := map[int]bool{pod: true}
	for more := true; more; {
		more = false
		for i := range d.seen.Pods {
			for _, e := range d.entries[i] {
				for j := range d.seen.Pods {
					if d.runs[i] && (e.leftTakes[j] || e.staleTakes[j]) && group[i] != group[j] {
						group[i], group[j], more = true, true, true
					}
				}
			}
		}
	}
	return group
}

// besideBound reports whether a Pod of the group of one has a bound volume. Without any, all rules are admitted.
func (d *decided) besideBound(pod int) bool {
	for other := range d.group(pod) {
		if d.runs[other] && d.bound(other) {
			return true
		}
	}
	return false
}

func (d *decided) bound(pod int) bool {
	return slices.ContainsFunc(d.seen.Pods[pod].Volumes, func(v feasibility.Volume) bool { return v.Node != "" || v.NodeAffinity != nil })
}

// stale returns the Pods as they are without Rehome, but for rules that are always admitted; left those as the decision has them.
func (d *decided) stale() ([]*corev1.Pod, error) {
	return d.pods(func(e entry) any {
		if e.judged {
			return e.stale
		}
		return e.left
	})
}

func (d *decided) left() ([]*corev1.Pod, error) { return d.pods(func(e entry) any { return e.left }) }

// pods returns the Pods as the API server has them, with one of each pair of rules.
func (d *decided) pods(of func(e entry) any) ([]*corev1.Pod, error) {
	all := make([]*corev1.Pod, 0, len(d.seen.Pods))
	for i := range d.seen.Pods {
		p := &d.seen.Pods[i]
		affinity := p.Rewritten.Affinity.DeepCopy()
		spec := corev1.PodSpec{
			Containers: []corev1.Container{{Name: "main", Image: "main"}}, Affinity: affinity,
			NodeSelector: p.NodeSelector, Tolerations: p.Tolerations,
			TopologySpreadConstraints: slices.Clone(p.Rewritten.TopologySpreadConstraints),
		}
		for _, e := range d.entries[i] {
			switch rule := of(e).(type) {
			case corev1.TopologySpreadConstraint:
				spec.TopologySpreadConstraints[e.Index] = rule
			case corev1.PodAffinityTerm:
				list := affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution
				if e.Kind == feasibility.AntiAffinity {
					list = affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
				}
				list[e.Index] = *rule.DeepCopy()
			}
		}
		for _, v := range p.Volumes {
			spec.Volumes = append(spec.Volumes, corev1.Volume{Name: v.Claim, VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: v.Claim},
			}})
		}
		pod, err := admit(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: p.Name, Labels: p.Labels}, Spec: spec})
		if err != nil {
			return nil, err
		}
		all = append(all, pod)
	}
	return all, nil
}
