package feasibility

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

// plays is how often a world is played with the rules that a decision leaves. Half of the plays choose for the worst.
const plays = 4

// run plays worlds, and counts.
type run struct {
	decide func(feasibility.World) []feasibility.Refusal
	seed   uint64
	// only is the number of the world to play, or -1 for all.
	only int
	tally
	took time.Duration
}

// tally counts worlds in which rules are due, and the Pods in those whose rules are not all refused.
type tally struct {
	worlds, admitted, partly, refused, unproven int
	pods, compared                              int
	exceptions                                  []string
}

func (r *run) String() string {
	return fmt.Sprintf("SEED=%d: %d worlds in %.1fs. All due rules were admitted in %d, some in %d, none in %d; in %d something was not "+
		"proven. Of %d Pods with rewritten rules, %d were sure of a node without Rehome, and %d of those lost it.",
		r.seed, r.worlds, r.took.Seconds(), r.admitted, r.partly, r.refused, r.unproven, r.pods, r.compared, len(r.exceptions))
}

// play plays worlds on all processors.
func (r *run) play(t *testing.T, worlds int) {
	start := time.Now()
	if r.only >= 0 {
		worlds = 1
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	var mu sync.Mutex
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			p := &player{run: r, storage: newStorage()}
			if err := p.work(t, &next, worlds); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			r.add(p.tally)
		})
	}
	wait.Wait()
	r.took = time.Since(start)
	slices.Sort(r.exceptions)
}

func (t *tally) add(other tally) {
	t.worlds += other.worlds
	t.admitted += other.admitted
	t.partly += other.partly
	t.refused += other.refused
	t.unproven += other.unproven
	t.pods += other.pods
	t.compared += other.compared
	t.exceptions = append(t.exceptions, other.exceptions...)
}

// player plays worlds one after another, with a scheduler of its own.
type player struct {
	run     *run
	storage *storage
	kube    *scheduler
	tally
}

func (p *player) work(t *testing.T, next *atomic.Int64, worlds int) (err error) {
	if p.kube, err = newScheduler(t.Context(), p.storage); err != nil {
		return err
	}
	for number := int(next.Add(1)) - 1; number < worlds; number = int(next.Add(1)) - 1 {
		if p.run.only >= 0 {
			number = p.run.only
		}
		if err := p.play(t.Context(), number); err != nil {
			return fmt.Errorf("SEED=%d WORLD=%d: %w", p.run.seed, number, err)
		}
		if number%10_000 == 9_999 {
			t.Logf("%d worlds", number+1)
		}
	}
	return nil
}

// play plays one world, and notes the Pods that lose their nodes.
func (p *player) play(ctx context.Context, number int) error {
	g := newGenerator(p.run.seed, number, p.storage)
	w := g.world()
	refusals := p.run.decide(w.seen)
	before, after, err := p.matches(ctx, w, refusals)
	if err != nil || before == nil {
		return err
	}
	var with, without []*play
	for i := range plays {
		s := strategy{Rand: g.Rand, worst: i%2 == 1}
		rewritten, err := after.play(ctx, s)
		if err != nil {
			return err
		}
		independent, err := before.play(ctx, s)
		if err != nil {
			return err
		}
		s.begin = rewritten.moves
		alike, err := before.play(ctx, s)
		if err != nil {
			return err
		}
		with, without = append(with, rewritten), append(without, independent, alike)
	}
	p.compare(number, w, refusals, with, without)
	return nil
}

// matches returns the world with the stale rules, and with those that the decision leaves: nil where they are the same.
func (p *player) matches(ctx context.Context, w *world, refusals []feasibility.Refusal) (before, after *match, err error) {
	alone := newDecided(w, nil, slices.Repeat([]bool{true}, len(w.seen.Pods)))
	pods, err := alone.left()
	if err != nil {
		return nil, nil, err
	}
	homes, runs := make([]map[string]bool, len(pods)), make([]bool, len(pods))
	for i, pod := range pods {
		if homes[i], err = p.kube.homes(ctx, pod, w.nodes); err != nil {
			return nil, nil, err
		}
		runs[i] = alone.runsOn(i, homes[i])
	}
	d := newDecided(w, refusals, runs)
	if !p.count(d, refusals) {
		return nil, nil, nil
	}
	stale, err := d.stale()
	if err != nil {
		return nil, nil, err
	}
	left, err := d.left()
	return &match{p.kube, w, stale, homes}, &match{p.kube, w, left, homes}, err
}

// runsOn reports whether one of the nodes has the labels that the rules of a Pod need, whatever they select.
func (d *decided) runsOn(pod int, homes map[string]bool) bool {
	return slices.ContainsFunc(d.nodes, func(n *corev1.Node) bool {
		return homes[n.Name] && !slices.ContainsFunc(d.entries[pod], func(e entry) bool {
			_, ok := n.Labels[e.TopologyKey]
			return !ok && e.Kind != feasibility.AntiAffinity
		})
	})
}

// count counts a world. It reports whether the decision rewrites a rule that concerns a bound volume.
func (p *player) count(d *decided, refusals []feasibility.Refusal) (rewrites bool) {
	rewrites = slices.ContainsFunc(d.entries, func(list []entry) bool {
		return slices.ContainsFunc(list, func(e entry) bool { return e.judged })
	})
	p.worlds++
	switch {
	case rewrites && len(refusals) == 0:
		p.admitted++
	case rewrites:
		p.partly++
	case len(refusals) > 0:
		p.refused++
	}
	if slices.ContainsFunc(refusals, func(r feasibility.Refusal) bool { return r.Unproven }) {
		p.unproven++
	}
	return rewrites
}

// compare compares what became of each Pod.
func (p *player) compare(number int, w *world, refusals []feasibility.Refusal, with, without []*play) {
	lacks := func(pod int) func(*play) bool { return func(p *play) bool { return p.at[pod] == "" } }
	for pod := range w.seen.Pods {
		p.pods++
		if slices.ContainsFunc(without, lacks(pod)) {
			continue
		}
		p.compared++
		if i := slices.IndexFunc(with, lacks(pod)); i >= 0 {
			p.exceptions = append(p.exceptions, p.exception(number, w, refusals, pod, with[i]))
		}
	}
}

// exception describes a Pod that loses its node: in full where only one world is played.
func (p *player) exception(number int, w *world, refusals []feasibility.Refusal, pod int, with *play) string {
	text := fmt.Sprintf("SEED=%d WORLD=%d: Pod %s loses its node", p.run.seed, number, w.seen.Pods[pod].Name)
	if p.run.only < 0 {
		return text
	}
	for _, m := range with.moves {
		text += fmt.Sprintf("\n%s -> %s", w.seen.Pods[m.pod].Name, m.node)
	}
	text += fmt.Sprintf("\nrefused: %+v", refusals)
	for _, n := range w.nodes {
		text += fmt.Sprintf("\nnode %s %v taints %v cordoned %v", n.Name, n.Labels, n.Spec.Taints, n.Spec.Unschedulable)
	}
	for _, s := range w.placed {
		text += fmt.Sprintf("\nPod of the source %s on %s", s.Name, s.Spec.NodeName)
	}
	document, err := yaml.Marshal(w.seen.Pods)
	if err != nil {
		return fmt.Sprintf("%s\n%v", text, err)
	}
	return text + "\n" + string(document)
}
