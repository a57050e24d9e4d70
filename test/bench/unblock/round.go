package unblock

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// parallelCreates is the number of concurrent creates.
	parallelCreates = 16
	// roundTimeout limits the time until all restores are stuck, and again until all are scheduled.
	roundTimeout = 8 * time.Minute
)

// result is the result of one operator's rounds.
type result struct {
	// times are how long each restore took.
	times []time.Duration
	// span is the time until the last restore was scheduled, summed over rounds.
	span  time.Duration
	usage usage
}

func (r *result) add(other result) {
	r.times, r.span = append(r.times, other.times...), r.span+other.span
	r.usage = r.usage.plus(other.usage)
}

// measure runs one round: it creates restores, waits until all are stuck, enables the operator, and waits until all are scheduled.
func measure(ctx context.Context, ns namespace, op operator, names []string, podsPerRestore int) (_ result, err error) {
	plane := ns.controlPlane()
	program, err := op.start(ctx, plane)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, program.Stop()) }()

	watching, stop := context.WithCancel(ctx)
	defer stop()
	t, err := startTracker(watching, plane.Config(), ns.name(), names, podsPerRestore)
	if err != nil {
		return result{}, err
	}
	if err := restoreAll(ctx, ns, names); err != nil {
		return result{}, err
	}
	if err := t.wait(ctx, roundTimeout, "stuck", isStuck); err != nil {
		return result{}, err
	}
	before, err := usageAtRest(ctx, program) // Excludes the requests of its start.
	if err != nil {
		return result{}, err
	}
	enabled := time.Now()
	if err := ns.enable(ctx); err != nil {
		return result{}, err
	}
	if err := t.wait(ctx, roundTimeout, "scheduled", isScheduled); err != nil {
		return result{}, err
	}
	after, err := usageAtRest(ctx, program)
	if err != nil {
		return result{}, err
	}
	r := t.since(enabled)
	r.usage = after.minus(before)
	return r, nil
}

func restoreAll(ctx context.Context, ns namespace, names []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelCreates)
	for _, name := range names {
		group.Go(func() error { return ns.restore(ctx, name) })
	}
	return group.Wait()
}

// since returns how long the restores took from the given time.
func (t *tracker) since(enabled time.Time) result {
	t.lock.Lock()
	defer t.lock.Unlock()
	var r result
	for _, p := range t.restores {
		took := p.scheduled.Sub(enabled)
		r.times, r.span = append(r.times, took), max(r.span, took)
	}
	return r
}
