// Package unblock measures how long stuck restores take until all their Pods are scheduled, with Rehome and with the baseline.
//
// Operators start before the restores, and are disabled until all restores are stuck. Then they are enabled and the time begins. So
// the number of stuck restores does not depend on how fast restores are created.
package unblock

import (
	"context"
	"errors"
	"fmt"

	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// suite is a list of cases in the same kind of environment.
type suite struct {
	kubeBlocks     string
	podsPerRestore int
	start          func(context.Context) (env, error)
	cases          []testCase
	// freshEnv starts an environment for every round, because the objects of many restores would slow down the next round.
	freshEnv bool
}

// testCase is a number of restores that each operator unblocks once in every round.
type testCase struct {
	restores, rounds int
	// loadTest adds the rows about rates, CPU and memory.
	loadTest bool
}

const (
	allNodes, smokeNodes = 200, 6
	fakeKubeBlocks       = "fake KubeBlocks"
)

func suites(smoke bool) []suite {
	const pods = fixture.Replicas
	if smoke {
		return []suite{
			{
				kubeBlocks: fakeKubeBlocks, podsPerRestore: pods, start: startFake(smokeNodes, pods),
				cases: []testCase{{restores: 1, rounds: 1}, {restores: 5, rounds: 1}},
			},
			{
				kubeBlocks: fakeKubeBlocks, podsPerRestore: 1, start: startFake(smokeNodes, 1),
				cases: []testCase{{restores: 8, rounds: 1, loadTest: true}}, freshEnv: true,
			},
		}
	}
	return []suite{
		{
			kubeBlocks: "KubeBlocks " + version, podsPerRestore: pods, start: startKubeBlocks(allNodes),
			cases: []testCase{{restores: 1, rounds: 3}, {restores: 10, rounds: 1}},
		},
		{
			kubeBlocks: fakeKubeBlocks, podsPerRestore: pods, start: startFake(allNodes, pods),
			cases: []testCase{{restores: 1, rounds: 3}, {restores: 10, rounds: 1}, {restores: 100, rounds: 1}},
		},
		// With one Pod each: creating 3,000 Pods would take longer than all other benchmarks.
		{
			kubeBlocks: fakeKubeBlocks, podsPerRestore: 1, start: startFake(allNodes, 1),
			cases: []testCase{{restores: 1000, rounds: 1, loadTest: true}}, freshEnv: true,
		},
	}
}

// Run is a bench.Benchmark.
func Run(ctx context.Context, o bench.Options) ([]table.Row, error) {
	var rows []table.Row
	var failed []error
	for _, s := range suites(o.Smoke) {
		more, err := s.run(ctx, o)
		rows = append(rows, more...)
		if err != nil {
			failed = append(failed, fmt.Errorf("restores on %s: %w", s.kubeBlocks, err))
		}
	}
	return rows, errors.Join(failed...)
}

// run returns the rows of all cases before the first that fails.
func (s *suite) run(ctx context.Context, o bench.Options) (rows []table.Row, err error) {
	r := &suiteRun{suite: s}
	defer func() { err = errors.Join(err, r.stopEnv()) }()
	for _, c := range s.cases {
		var results [2]result // By operator.
		for range c.rounds {
			for i, op := range operators(o) {
				o.Stepf("unblock: %d on %s, %s", c.restores, s.kubeBlocks, op.name)
				measured, err := r.round(ctx, op, c.restores)
				if err != nil {
					return rows, fmt.Errorf("%s and %d restores: %w", op.name, c.restores, err)
				}
				results[i].add(measured)
				o.Stepf("unblock: p50 %s, all %s, %.2f s of CPU", percentile(measured.times, 50), measured.span, measured.usage.cpu)
			}
		}
		rows = append(rows, s.rows(c, results[0], results[1])...)
	}
	return rows, nil
}

// suiteRun keeps the environment between rounds.
type suiteRun struct {
	*suite
	env    env // Nil before the first round.
	rounds int
}

func (r *suiteRun) round(ctx context.Context, op operator, restores int) (result, error) {
	if r.freshEnv {
		if err := r.stopEnv(); err != nil {
			return result{}, err
		}
	}
	if r.env == nil {
		var err error
		if r.env, err = r.start(ctx); err != nil {
			return result{}, err
		}
	}
	r.rounds++
	ns, err := r.env.newNamespace(ctx, r.rounds)
	if err != nil {
		return result{}, err
	}
	names := make([]string, restores)
	for i := range names {
		names[i] = fmt.Sprintf("kiwi%d-%d", r.rounds, i) // Unique across rounds.
	}
	measured, err := measure(ctx, ns, op, names, r.podsPerRestore)
	if err != nil {
		return result{}, err
	}
	return measured, ns.finish(ctx, names)
}

func (r *suiteRun) stopEnv() error {
	if r.env == nil {
		return nil
	}
	err := r.env.stop()
	r.env = nil
	return err
}
