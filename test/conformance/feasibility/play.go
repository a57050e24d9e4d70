package feasibility

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"slices"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/backend/cache"
)

// match is the Pods of a world that are to be scheduled, under one set of rules.
type match struct {
	kube  *scheduler
	world *world
	pods  []*corev1.Pod
	// homes are the nodes of each Pod, as far as other Pods do not matter.
	homes []map[string]bool
}

// move puts a Pod on a node.
type move struct {
	pod  int
	node string
}

// play is the course of one match: where each Pod is, and in which order it went there.
type play struct {
	*match
	at    map[int]string
	moves []move
	// shown is the snapshot of the Pods that are placed; nil when it is out of date.
	shown fwk.SharedLister
}

// strategy says what the scheduler does when it can do several things.
type strategy struct {
	*rand.Rand
	// worst has Pods with many nodes come first, and take nodes that many others want.
	worst bool
	// begin are moves that come first, as far as the rules leave them open.
	begin []move
}

// play lets the scheduler place the Pods, and retry until nothing moves.
func (m *match) play(ctx context.Context, s strategy) (*play, error) {
	p := &play{match: m, at: map[int]string{}}
	for _, move := range s.begin {
		open, err := p.open(ctx, move.pod)
		if err != nil {
			return nil, err
		}
		if slices.Contains(open, move.node) {
			p.put(move)
		}
	}
	order := m.order(s)
	for moved := true; moved; {
		moved = false
		for _, pod := range order {
			if p.at[pod] != "" {
				continue
			}
			open, err := p.open(ctx, pod)
			if err != nil {
				return nil, err
			}
			if len(open) > 0 {
				p.put(move{pod, p.choose(s, pod, open)})
				moved = true
			}
		}
	}
	return p, nil
}

func (p *play) put(m move) {
	p.at[m.pod] = m.node
	p.moves = append(p.moves, m)
	p.shown = nil
}

// order draws the order in which the Pods come.
func (m *match) order(s strategy) []int {
	order := s.Perm(len(m.pods))
	if s.worst {
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(m.freedom(j), m.freedom(i)) })
	}
	return order
}

// freedom is how many nodes a Pod has.
func (m *match) freedom(pod int) int {
	n := 0
	for _, home := range m.homes[pod] {
		if home {
			n++
		}
	}
	return n
}

// choose draws one of the nodes that are open.
func (p *play) choose(s strategy, pod int, open []string) string {
	s.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
	if !s.worst {
		return open[0]
	}
	return slices.MaxFunc(open, func(n, m string) int { return cmp.Compare(p.wanted(pod, n), p.wanted(pod, m)) })
}

// wanted is how much others want a node: the more, the fewer others they have.
func (p *play) wanted(pod int, node string) float64 {
	sum := 0.0
	for other := range p.pods {
		if other != pod && p.at[other] == "" && p.homes[other][node] {
			sum += 1 / float64(p.freedom(other))
		}
	}
	return sum
}

// open lists the nodes that the scheduler finds for a Pod, in the order of their names.
func (p *play) open(ctx context.Context, pod int) ([]string, error) {
	if p.shown == nil {
		p.shown = p.snapshot()
	}
	open, err := p.kube.open(ctx, p.pods[pod], p.homes[pod], p.shown)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(open)), func(node string) bool { return !open[node] }), nil
}

// snapshot shows all Pods that have a node. What they request is left out: adding it up costs more than all the plugins.
func (p *play) snapshot() fwk.SharedLister {
	placed := slices.Clone(p.world.placed)
	for pod, node := range p.at {
		bound := *p.pods[pod]
		bound.Spec.NodeName, bound.Spec.Containers = node, nil
		placed = append(placed, &bound)
	}
	return cache.NewSnapshot(placed, p.world.nodes)
}
