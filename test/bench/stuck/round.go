package stuck

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// makers is how many restores are asked for at once.
	makers = 16
	// patience bounds the time until all restores of a round are stuck, and then until all are scheduled.
	patience = 8 * time.Minute
)

// result is what rounds of one contender showed.
type result struct {
	// times are how long restores were stuck, one for each.
	times []time.Duration
	// span is the time from when all may be unblocked to when the last is scheduled, of all rounds together.
	span time.Duration
	cost cost
}

// round has a contender unblock restores. It runs before the first is made. Until all are stuck it is told to leave them alone;
// their time begins when it is let go.
func round(ctx context.Context, p place, c contender, names []string, pods int) (_ result, err error) {
	plane := p.controlPlane()
	program, err := c.start(ctx, plane)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, program.Stop()) }()

	watching, stop := context.WithCancel(ctx)
	defer stop()
	t, err := track(watching, plane.Config(), p.namespace(), names, pods)
	if err != nil {
		return result{}, err
	}
	if err := makeAll(ctx, p, names); err != nil {
		return result{}, err
	}
	if err := t.await(ctx, patience, "stuck", isStuck); err != nil {
		return result{}, err
	}
	before, err := settledCost(ctx, program) // a program asks more when it has just started
	if err != nil {
		return result{}, err
	}
	released := time.Now()
	if err := p.release(ctx); err != nil {
		return result{}, err
	}
	if err := t.await(ctx, patience, "scheduled", isScheduled); err != nil {
		return result{}, err
	}
	after, err := settledCost(ctx, program)
	if err != nil {
		return result{}, err
	}
	r := t.since(released)
	r.cost = after.minus(before)
	return r, nil
}

func makeAll(ctx context.Context, p place, names []string) error {
	making, ctx := errgroup.WithContext(ctx)
	making.SetLimit(makers)
	for _, name := range names {
		making.Go(func() error { return p.restore(ctx, name) })
	}
	return making.Wait()
}

// since returns how long all restores took from a moment on.
func (t *tracker) since(released time.Time) result {
	t.lock.Lock()
	defer t.lock.Unlock()
	var r result
	for _, p := range t.restores {
		took := p.scheduled.Sub(released)
		r.times, r.span = append(r.times, took), max(r.span, took)
	}
	return r
}
