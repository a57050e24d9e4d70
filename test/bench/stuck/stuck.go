// Package stuck measures how long restores that are stuck take until all their Pods have nodes: with Rehome, and with the floor,
// which is the least that has to be done for it.
//
// Both run before the first restore is made, and are told to leave restores alone until all are stuck; then the time begins. So
// as many restores are stuck at once as a case says, however fast they are made, and none escapes by being early.
package stuck

import (
	"context"
	"errors"
	"fmt"

	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// study is a number of cases in worlds of one kind.
type study struct {
	// on is what KubeBlocks is.
	on string
	// pods is how many each restore has.
	pods  int
	open  func(context.Context) (world, error)
	cases []measurement
	// apart has every round in a world of its own: what many restores leave behind would be in the way of the next.
	apart bool
}

// measurement is one case: both contenders unblock so many restores, and do it again in every round.
type measurement struct {
	restores, rounds int
	// storm says that what it costs is of interest, too.
	storm bool
}

// nodes is how many a world has; few is enough to see that all works.
const nodes, few = 200, 6

const onStandIn = "stand-in"

// replicas is how many Pods a restore has where its number is not what matters.
const replicas = fixture.Replicas

func studies(smoke bool) []study {
	if smoke {
		return []study{
			{on: onStandIn, pods: replicas, open: simulate(few, replicas), cases: []measurement{{restores: 1, rounds: 1}, {restores: 5, rounds: 1}}},
			{on: onStandIn, pods: 1, open: simulate(few, 1), cases: []measurement{{restores: 8, rounds: 1, storm: true}}, apart: true},
		}
	}
	return []study{
		{on: "KubeBlocks " + version, pods: replicas, open: startGenuine(nodes), cases: []measurement{{restores: 1, rounds: 3}, {restores: 10, rounds: 1}}},
		{on: onStandIn, pods: replicas, open: simulate(nodes, replicas), cases: []measurement{
			{restores: 1, rounds: 3}, {restores: 10, rounds: 1}, {restores: 100, rounds: 1},
		}},
		// A Pod each: thousands more would take longer to make than all else together.
		{on: onStandIn, pods: 1, open: simulate(nodes, 1), cases: []measurement{{restores: 1000, rounds: 1, storm: true}}, apart: true},
	}
}

// Run is a bench.Benchmark.
func Run(ctx context.Context, o bench.Options) ([]table.Row, error) {
	var rows []table.Row
	var failed []error
	for _, s := range studies(o.Smoke) {
		found, err := s.run(ctx, o)
		rows = append(rows, found...)
		if err != nil {
			failed = append(failed, fmt.Errorf("restores on %s: %w", s.on, err))
		}
	}
	return rows, errors.Join(failed...)
}

// run returns the rows of all cases up to the first that fails.
func (s *study) run(ctx context.Context, o bench.Options) (rows []table.Row, err error) {
	worlds := &worlds{study: s}
	defer func() { err = errors.Join(err, worlds.close()) }()
	for _, m := range s.cases {
		var results [2]result // of the contenders
		for range m.rounds {
			for i, c := range contenders(o) {
				o.Stepf("stuck: %d on %s, %s", m.restores, s.on, c.name)
				r, err := worlds.round(ctx, c, m.restores)
				if err != nil {
					return rows, fmt.Errorf("%s and %d restores: %w", c.name, m.restores, err)
				}
				results[i].add(r)
				o.Stepf("stuck: p50 %s, all %s, %.2f s of CPU", percentile(r.times, 50), r.span, r.cost.cpu)
			}
		}
		rows = append(rows, rowsOf(s, m, results[0], results[1])...)
	}
	return rows, nil
}

// add takes in what another round showed.
func (r *result) add(other result) {
	r.times, r.span = append(r.times, other.times...), r.span+other.span
	r.cost = r.cost.plus(other.cost)
}

// worlds hands out the world of the next round.
type worlds struct {
	study *study
	open  world // nil while there is none
	// rounds counts those that began, in all worlds.
	rounds int
}

// round runs one in a world that is fit for it.
func (w *worlds) round(ctx context.Context, c contender, restores int) (result, error) {
	if w.study.apart {
		if err := w.close(); err != nil {
			return result{}, err
		}
	}
	if w.open == nil {
		var err error
		if w.open, err = w.study.open(ctx); err != nil {
			return result{}, err
		}
	}
	w.rounds++
	p, err := w.open.begin(ctx, w.rounds)
	if err != nil {
		return result{}, err
	}
	names := make([]string, restores)
	for i := range names {
		names[i] = fmt.Sprintf("kiwi%d-%d", w.rounds, i) // no two rounds have one in common
	}
	r, err := round(ctx, p, c, names, w.study.pods)
	if err != nil {
		return result{}, err
	}
	return r, p.end(ctx, names)
}

func (w *worlds) close() error {
	if w.open == nil {
		return nil
	}
	err := w.open.stop()
	w.open = nil
	return err
}
