package scale

import (
	"context"
	"errors"
	"time"

	"github.com/rehome-operator/rehome/test/bench/apiserver"
	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
)

// withMany measures starts, memory and idleness with many Clusters.
func (r *rig) withMany(ctx context.Context) ([]table.Row, error) {
	if err := r.addClusters(ctx, r.few, r.many); err != nil {
		return nil, err
	}
	rows, err := r.starts(ctx)
	if err != nil {
		return rows, err
	}
	more, err := r.atRest(ctx)
	return append(rows, more...), err
}

// atRest measures Rehome at rest and while it is watched, and then the plain manager. Not both at once: what the plain manager takes
// of the API server to start can cost Rehome its lease.
func (r *rig) atRest(ctx context.Context) ([]table.Row, error) {
	own, rows, err := r.watched(ctx)
	if err != nil {
		return rows, err
	}
	plain, err := r.memory(ctx, r.startPlain, plainSynced)
	if err != nil {
		return rows, err
	}
	return append(rows, r.memoryRows(r.many, own, plain)...), nil
}

// watched runs Rehome, measures what of it is in memory when it is at rest, and what it asks for then.
func (r *rig) watched(ctx context.Context) (memory bench.Usage, rows []table.Row, err error) {
	r.Stepf("scale: start Rehome, and watch it for %s when it is at rest", r.window)
	begin := time.Now()
	program, err := r.startAtRest(ctx, r.startElected, apiserver.Synced)
	if err != nil {
		return memory, nil, err
	}
	defer func() { err = errors.Join(err, program.Stop()) }()
	if memory, err = program.Usage(); err != nil {
		return memory, nil, err
	}
	asked, err := r.server.Asked(begin)
	if err != nil {
		return memory, nil, err
	}
	rows = append(rows, wholePass(program, r.many, asked))

	since := time.Now()
	select {
	case <-ctx.Done():
		return memory, rows, ctx.Err()
	case <-time.After(r.window):
	}
	if asked, err = r.server.Asked(since); err != nil {
		return memory, rows, err
	}
	return memory, append(rows, idleRows(asked, time.Since(since))...), nil
}
