package stuck

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/rehome-operator/rehome/test/bench/bench"
)

// cost is what a program took so far, or between two moments.
type cost struct {
	// cpu is in seconds. peak is the highest RSS ever, in bytes.
	cpu  float64
	peak uint64
	// reads and writes are requests.
	reads, writes float64
}

func costOf(ctx context.Context, p *bench.Program) (cost, error) {
	usage, err := p.Usage()
	if err != nil {
		return cost{}, err
	}
	requests, err := p.Requests(ctx)
	if err != nil {
		return cost{}, err
	}
	c := cost{cpu: usage.CPU, peak: usage.PeakRSS}
	for method, count := range requests {
		if method == http.MethodGet {
			c.reads += count
		} else {
			c.writes += count
		}
	}
	return c, nil
}

func (c cost) minus(before cost) cost {
	return cost{cpu: c.cpu - before.cpu, peak: c.peak, reads: c.reads - before.reads, writes: c.writes - before.writes}
}

// plus adds another cost: of the peaks, the higher one.
func (c cost) plus(other cost) cost {
	return cost{
		cpu: c.cpu + other.cpu, peak: max(c.peak, other.peak), reads: c.reads + other.reads, writes: c.writes + other.writes,
	}
}

// A program has settled when it sent no request for restInterval.
const restInterval = 2 * time.Second

// settledCost is costOf as soon as the program has nothing to do any more.
func settledCost(ctx context.Context, p *bench.Program) (last cost, err error) {
	err = wait.PollUntilContextTimeout(ctx, restInterval, restTimeout, true, func(ctx context.Context) (bool, error) {
		now, err := costOf(ctx, p)
		rests := now.reads == last.reads && now.writes == last.writes
		last = now
		return rests, err
	})
	if err != nil {
		return last, fmt.Errorf("wait until the program has nothing to do: %w", err)
	}
	return last, nil
}
