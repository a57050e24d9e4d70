package scale

import (
	"context"
	"errors"
	"time"

	"github.com/rehome-operator/rehome/test/bench/apiserver"
	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
)

// measureMany measures starts, memory and idle requests with many Clusters.
func (e *env) measureMany(ctx context.Context) ([]table.Row, error) {
	if err := e.addClusters(ctx, e.few, e.many); err != nil {
		return nil, err
	}
	rows, err := e.starts(ctx)
	if err != nil {
		return rows, err
	}
	more, err := e.atRest(ctx)
	return append(rows, more...), err
}

// atRest measures Rehome, and then the plain manager. The two never run at the same time: the plain manager's lists load the API server so
// much that Rehome can lose its lease.
func (e *env) atRest(ctx context.Context) ([]table.Row, error) {
	own, rows, err := e.rehomeAtRest(ctx)
	if err != nil {
		return rows, err
	}
	plain, err := e.memory(ctx, e.startPlain, plainSynced)
	if err != nil {
		return rows, err
	}
	return append(rows, e.memoryRows(e.many, own, plain)...), nil
}

// rehomeAtRest measures Rehome's memory at rest, and its requests from then on.
func (e *env) rehomeAtRest(ctx context.Context) (memory bench.Usage, rows []table.Row, err error) {
	e.Stepf("scale: start Rehome, and count its requests for %s once it is at rest", e.window)
	begin := time.Now()
	program, err := e.startAtRest(ctx, e.startWithLeaderElection, apiserver.Synced)
	if err != nil {
		return memory, nil, err
	}
	defer func() { err = errors.Join(err, program.Stop()) }()
	if memory, err = program.Usage(); err != nil {
		return memory, nil, err
	}
	log, err := e.server.Requests(begin)
	if err != nil {
		return memory, nil, err
	}
	rows = append(rows, lastDecisionRow(program, e.many, log))

	since := time.Now()
	select {
	case <-ctx.Done():
		return memory, rows, ctx.Err()
	case <-time.After(e.window):
	}
	if log, err = e.server.Requests(since); err != nil {
		return memory, rows, err
	}
	return memory, append(rows, idleRows(log, time.Since(since))...), nil
}
