package feasibility

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

// plays is how often a world is played with each set of rules. Half of the plays choose for the worst.
const plays = 4

// WORLDS is how many worlds are played. SEED makes a run play the same worlds again, and WORLD one of them only.
func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s must be a number: %v", name, err)
	}
	return n
}

// Whatever is decided, a Pod that finds a node without Rehome finds one with it.
func TestNoPodLosesItsNode(t *testing.T) {
	r := newRun(t, feasibility.Decide)
	r.play(t, setting(t, "WORLDS", 5000))
	t.Log(r)
	for _, e := range r.exceptions {
		t.Error(e)
	}
}

// Without the guard the same worlds show Pods that lose their nodes: else the test above would say nothing.
func TestWithoutTheGuardPodsLoseTheirNodes(t *testing.T) {
	r := newRun(t, func(feasibility.World) []feasibility.Refusal { return nil })
	worlds := setting(t, "WORLDS", 5000) / 5
	r.play(t, worlds)
	t.Log(r)
	if len(r.exceptions) < worlds/50 {
		t.Errorf("only %d Pods lose their nodes in %d worlds", len(r.exceptions), worlds)
	}
}

// run plays worlds, and counts.
type run struct {
	storage *storage
	kube    *scheduler
	decide  func(feasibility.World) []feasibility.Refusal
	seed    uint64
	only    int

	worlds, due, admitted, partly, refused, unproven int
	pods, compared                                   int
	exceptions                                       []string
	took, deciding                                   time.Duration
}

func newRun(t *testing.T, decide func(feasibility.World) []feasibility.Refusal) *run {
	s := newStorage()
	kube, err := newScheduler(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return &run{
		storage: s, kube: kube, decide: decide,
		seed: uint64(setting(t, "SEED", int(time.Now().UnixNano()%1_000_000))), only: setting(t, "WORLD", -1),
	}
}

func (r *run) String() string {
	return fmt.Sprintf("SEED=%d: %d worlds in %.1fs (%.1fs to decide); rules are due in %d: all admitted in %d, some in %d, none in %d, "+
		"unproven in %d; %d Pods, of which %d find a node without Rehome; %d exceptions",
		r.seed, r.worlds, r.took.Seconds(), r.deciding.Seconds(), r.due, r.admitted, r.partly, r.refused, r.unproven,
		r.pods, r.compared, len(r.exceptions))
}

func (r *run) play(t *testing.T, worlds int) {
	start := time.Now()
	defer func() { r.took = time.Since(start) }()
	for i := range worlds {
		if r.only >= 0 && i != r.only {
			continue
		}
		if err := r.playOne(t.Context(), i); err != nil {
			t.Fatalf("SEED=%d WORLD=%d: %v", r.seed, i, err)
		}
	}
}

// playOne plays one world, and notes the Pods that lose their nodes.
func (r *run) playOne(ctx context.Context, number int) error {
	g := newGenerator(r.seed, number, r.storage)
	w := g.world()
	start := time.Now()
	refusals := r.decide(w.seen)
	r.deciding += time.Since(start)
	before, after, err := r.matches(ctx, w, refusals)
	if err != nil {
		return err
	}
	with := make([]*play, 0, plays)
	without := make([]*play, 0, 2*plays)
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
	r.note(number, w, refusals, with, without)
	return nil
}

// matches returns the world with the stale rules, and with those that the decision leaves.
func (r *run) matches(ctx context.Context, w *world, refusals []feasibility.Refusal) (before, after *match, err error) {
	alone := newDecided(w, nil, slices.Repeat([]bool{true}, len(w.seen.Pods)))
	pods, err := alone.left()
	if err != nil {
		return nil, nil, err
	}
	homes := make([]map[string]bool, len(pods))
	runs := make([]bool, len(pods))
	for i, pod := range pods {
		if homes[i], err = r.kube.homes(ctx, pod, w.nodes); err != nil {
			return nil, nil, err
		}
		runs[i] = alone.runsOn(i, homes[i])
	}
	d := newDecided(w, refusals, runs)
	r.count(d, refusals)
	stale, err := d.stale()
	if err != nil {
		return nil, nil, err
	}
	left, err := d.left()
	if err != nil {
		return nil, nil, err
	}
	return &match{r.kube, w, stale, homes}, &match{r.kube, w, left, homes}, nil
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

func (r *run) count(d *decided, refusals []feasibility.Refusal) {
	judged := slices.ContainsFunc(d.entries, func(list []entry) bool {
		return slices.ContainsFunc(list, func(e entry) bool { return e.judged })
	})
	r.worlds++
	r.pods += len(d.seen.Pods)
	switch {
	case !judged && len(refusals) == 0:
		return
	case len(refusals) == 0:
		r.admitted++
	case judged:
		r.partly++
	default:
		r.refused++
	}
	r.due++
	if slices.ContainsFunc(refusals, func(f feasibility.Refusal) bool { return f.Unproven }) {
		r.unproven++
	}
}

// note compares what became of each Pod.
func (r *run) note(number int, w *world, refusals []feasibility.Refusal, with, without []*play) {
	for pod := range w.seen.Pods {
		if slices.ContainsFunc(without, func(p *play) bool { return p.at[pod] == "" }) {
			continue
		}
		r.compared++
		for _, p := range with {
			if p.at[pod] == "" {
				r.exceptions = append(r.exceptions, r.exception(number, w, refusals, pod, p))
				break
			}
		}
	}
}

func (r *run) exception(number int, w *world, refusals []feasibility.Refusal, pod int, p *play) string {
	text := fmt.Sprintf("SEED=%d WORLD=%d: Pod %s loses its node", r.seed, number, w.seen.Pods[pod].Name)
	if r.only < 0 {
		return text
	}
	for _, m := range p.moves {
		text += fmt.Sprintf("\n%s -> %s", w.seen.Pods[m.pod].Name, m.node)
	}
	text += fmt.Sprintf("\nrefused: %+v", refusals)
	document, err := yaml.Marshal(map[string]any{"world": w.seen, "source": w.placed})
	return fmt.Sprintf("%s\n%s%v", text, document, err)
}
