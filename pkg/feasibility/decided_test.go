package feasibility_test

import (
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

// decided is a world and what was decided on it, with what a test has to know of both.
type decided struct {
	world    feasibility.World
	refusals []feasibility.Refusal
	refused  map[feasibility.Rule]bool
	// entries are the rules of each Pod.
	entries [][]entry
	// placeable are the Pods that could run alone.
	placeable []bool
}

// entry is one rule of a Pod, as it is and as the decision leaves it.
type entry struct {
	feasibility.Rule
	stale, left any
	// staleTakes and leftTakes are the Pods that both select, of those that could run.
	staleTakes, leftTakes []bool
	changed               bool
	// judged says that a changed rule is in a group with a tied volume. Others are always admitted.
	judged bool
}

func decide(w feasibility.World) *decided { return newDecided(w, feasibility.Decide(w)) }

// unrefused returns the world as if nothing were refused.
func (d *decided) unrefused() *decided { return newDecided(d.world, nil) }

func newDecided(w feasibility.World, refusals []feasibility.Refusal) *decided {
	d := &decided{world: w, refusals: refusals, refused: map[feasibility.Rule]bool{}}
	for _, r := range refusals {
		d.refused[r.Rule] = true
	}
	for pod := range w.Pods {
		d.entries = append(d.entries, entries(&w.Pods[pod], d.refused))
		d.placeable = append(d.placeable, d.canRun(pod))
	}
	for pod := range w.Pods {
		for i := range d.entries[pod] {
			e := &d.entries[pod][i]
			e.staleTakes, e.leftTakes = d.takes(pod, e.stale), d.takes(pod, e.left)
		}
	}
	for pod := range w.Pods {
		judged := d.besideTied(pod)
		for i := range d.entries[pod] {
			d.entries[pod][i].judged = judged && d.entries[pod][i].changed
		}
	}
	return d
}

func entries(p *feasibility.Pod, refused map[feasibility.Rule]bool) []entry {
	var all []entry
	add := func(kind feasibility.Kind, i int, key string, stale, left any) {
		e := entry{Rule: feasibility.Rule{Policy: p.Policy, Kind: kind, Index: i, TopologyKey: key}, stale: stale, left: left}
		if refused[e.Rule] {
			e.left = stale
		}
		e.changed = !reflect.DeepEqual(e.stale, e.left)
		all = append(all, e)
	}
	for i, t := range antiTerms(&p.Rewritten) {
		add(feasibility.AntiAffinity, i, t.TopologyKey, antiTerms(&p.Stale)[i], t)
	}
	for i, t := range affinityTerms(&p.Rewritten) {
		add(feasibility.Affinity, i, t.TopologyKey, affinityTerms(&p.Stale)[i], t)
	}
	for i, c := range p.Rewritten.TopologySpreadConstraints {
		add(feasibility.Spread, i, c.TopologyKey, p.Stale.TopologySpreadConstraints[i], c)
	}
	return all
}

func antiTerms(r *feasibility.Rules) []corev1.PodAffinityTerm {
	if r.Affinity == nil || r.Affinity.PodAntiAffinity == nil {
		return nil
	}
	return r.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
}

func affinityTerms(r *feasibility.Rules) []corev1.PodAffinityTerm {
	if r.Affinity == nil || r.Affinity.PodAffinity == nil {
		return nil
	}
	return r.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution
}

// canRun reports whether a Pod could run alone.
func (d *decided) canRun(pod int) bool { return slices.Contains(d.homes(pod), true) }

// homes returns the nodes on which a Pod can be, were no other Pod there. Whatever its rules select, they need their labels.
func (d *decided) homes(pod int) []bool {
	homes := make([]bool, len(d.world.Nodes))
	for n := range homes {
		homes[n] = canRun(&d.world.Pods[pod], &d.world.Nodes[n])
		for _, e := range d.entries[pod] {
			_, ok := d.world.Nodes[n].Labels[e.TopologyKey]
			homes[n] = homes[n] && (ok || e.Kind == feasibility.AntiAffinity)
		}
	}
	return homes
}

func (d *decided) takes(pod int, rule any) []bool {
	var taken []bool
	switch r := rule.(type) {
	case corev1.PodAffinityTerm:
		taken = takes(d.world.Pods, pod, r.LabelSelector, r.MatchLabelKeys)
	case corev1.TopologySpreadConstraint:
		taken = takes(d.world.Pods, pod, r.LabelSelector, r.MatchLabelKeys)
	}
	for i := range taken {
		taken[i] = taken[i] && d.placeable[i]
	}
	return taken
}

// group returns the Pods that are joined to one by what the rules select, or selected before.
func (d *decided) group(pod int) map[int]bool {
	group := map[int]bool{pod: true}
	for more := true; more; {
		more = false
		for i := range d.world.Pods {
			for _, e := range d.entries[i] {
				for j := range d.world.Pods {
					if d.placeable[i] && (e.leftTakes[j] || e.staleTakes[j]) && group[i] != group[j] {
						group[i], group[j], more = true, true, true
					}
				}
			}
		}
	}
	return group
}

// besideTied reports whether a Pod of the group of one has a tied volume. Without any, all rules are admitted.
func (d *decided) besideTied(pod int) bool {
	for other := range d.group(pod) {
		if d.placeable[other] && tied(&d.world.Pods[other]) {
			return true
		}
	}
	return false
}

func tied(p *feasibility.Pod) bool {
	return slices.ContainsFunc(p.Volumes, func(v feasibility.Volume) bool { return v.Node != "" || v.NodeAffinity != nil })
}

// foreign reports whether a Pod has unchanged affinity rules that no Pod of the Cluster meets.
func (d *decided) foreign(pod int) bool {
	any := false
	for _, e := range d.entries[pod] {
		if e.Kind == feasibility.Affinity && e.changed {
			return false
		}
		any = any || e.Kind == feasibility.Affinity
	}
	for other := range d.world.Pods {
		any = any && slices.ContainsFunc(d.entries[pod], func(e entry) bool { return e.Kind == feasibility.Affinity && !e.leftTakes[other] })
	}
	return any
}

// outsiders says which nodes Pods of others close to each Pod.
type outsiders []map[int]bool

// drawOutsiders draws Pods of others. They close domains of the stale rules, without Rehome and with it. A Pod with a rule that is
// about others only may find all nodes closed.
func (d *decided) drawOutsiders(t *rapid.T) (before, after outsiders) {
	before, after = make(outsiders, len(d.world.Pods)), make(outsiders, len(d.world.Pods))
	for pod := range d.world.Pods {
		before[pod], after[pod] = map[int]bool{}, map[int]bool{}
		absent := d.dependent(pod) && rapid.Bool().Draw(t, "absent")
		for n := range d.world.Nodes {
			before[pod][n], after[pod][n] = absent, absent
		}
		for _, e := range d.entries[pod] {
			if e.judged {
				d.shut(t, e, before[pod])
			}
			if d.refused[e.Rule] {
				shut := d.shut(t, e, after[pod])
				d.close(e, shut, before[pod])
			}
		}
	}
	return before, after
}

// shut draws a domain to close, or none, or for affinity all but one.
func (d *decided) shut(t *rapid.T, e entry, closed map[int]bool) string {
	shut := pick(t, "closed domain", "", "a", "b", "all", d.world.Nodes[0].Name, d.world.Nodes[len(d.world.Nodes)-1].Name)
	d.close(e, shut, closed)
	return shut
}

func (d *decided) close(e entry, shut string, closed map[int]bool) {
	for n := range d.world.Nodes {
		domain, ok := d.world.Nodes[n].Labels[e.TopologyKey]
		closed[n] = closed[n] || ok && (shut == "all" || shut == domain)
	}
}

// dependent reports whether a Pod has a rule, not due, that may be about Pods of others only.
func (d *decided) dependent(pod int) bool {
	return d.foreign(pod) || slices.ContainsFunc(d.entries[pod], func(e entry) bool {
		return d.refused[e.Rule] || !e.changed && !slices.Contains(e.leftTakes, true)
	})
}

// harms reports whether some play ends with a Pod without a node, which it would find if the rules in question were not there.
func (d *decided) harms() bool {
	base := d.oracle(d.without, nil)
	for _, end := range d.oracle(d.left, nil).play() {
		for pod := range d.world.Pods {
			for n := range d.world.Nodes {
				if end[pod] == nowhere && base.fits(end, pod, n) {
					return true
				}
			}
		}
	}
	return false
}

// What the rules are without Rehome, but for those that are always admitted; what the decision leaves; and what there is without
// the rules in question.
func (d *decided) stale(e entry) any {
	if e.judged {
		return e.stale
	}
	return e.left
}

func (d *decided) left(e entry) any { return e.left }

func (d *decided) without(e entry) any {
	if e.judged {
		return nil
	}
	return e.left
}

// oracle returns an oracle for one of those, beside Pods of others.
func (d *decided) oracle(of func(entry) any, closed outsiders) *oracle {
	o := &oracle{world: d.world, homes: make([][]bool, len(d.world.Pods)), rules: make([]oracleRules, len(d.world.Pods))}
	for pod := range d.world.Pods {
		// Pods of others may meet a stale affinity rule, and one that is about them only.
		met := d.foreign(pod) || slices.ContainsFunc(d.entries[pod], func(e entry) bool {
			return e.Kind == feasibility.Affinity && e.judged && !reflect.DeepEqual(of(e), e.left)
		})
		for _, e := range d.entries[pod] {
			if rule := of(e); rule != nil && (!met || e.Kind != feasibility.Affinity) {
				o.add(pod, e.Kind, rule)
			}
		}
		o.homes[pod] = d.homes(pod)
		for n := range o.homes[pod] {
			o.homes[pod][n] = o.homes[pod][n] && (closed == nil || !closed[pod][n])
		}
	}
	return o
}
