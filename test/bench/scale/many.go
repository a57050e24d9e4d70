package scale

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rehome-operator/rehome/test/bench/apiserver"
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

// atRest runs Rehome and the plain manager, and measures both when they are at rest, and again after a while.
func (r *rig) atRest(ctx context.Context) (rows []table.Row, err error) {
	r.Step("scale: start Rehome, and then a manager that caches whole objects")
	own, err := r.startAtRest(ctx, r.startRehome, apiserver.Synced)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, own.Stop()) }()
	rows = append(rows, wholePass(own, r.many))
	plain, err := r.startAtRest(ctx, r.startPlain, plainSynced)
	if err != nil {
		return rows, err
	}
	defer func() { err = errors.Join(err, plain.Stop()) }()

	r.Step("scale: watch both for %s", r.window)
	since := time.Now()
	select {
	case <-ctx.Done():
		return rows, ctx.Err()
	case <-time.After(r.window):
	}
	asked, err := r.server.Asked(since)
	if err != nil {
		return rows, err
	}
	rows = append(rows, idleRows(asked, time.Since(since))...)
	ownMemory, err := own.Memory()
	if err != nil {
		return rows, err
	}
	plainMemory, err := plain.Memory()
	if err != nil {
		return rows, err
	}
	return append(rows, r.memoryRows(r.many, fmt.Sprintf("after %s at rest", r.window), ownMemory, plainMemory)...), nil
}
