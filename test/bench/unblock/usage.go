package unblock

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/rehome-operator/rehome/test/bench/bench"
)

// usage is what a program used since its start, or between two times.
type usage struct {
	// cpu is in seconds. peakRSS is in bytes, and always since the start.
	cpu     float64
	peakRSS uint64
	// reads and writes count requests.
	reads, writes float64
}

func usageOf(ctx context.Context, p *bench.Program) (usage, error) {
	process, err := p.Usage()
	if err != nil {
		return usage{}, err
	}
	requests, err := p.Requests(ctx)
	if err != nil {
		return usage{}, err
	}
	u := usage{cpu: process.CPU, peakRSS: process.PeakRSS}
	for method, count := range requests {
		if method == http.MethodGet {
			u.reads += count
		} else {
			u.writes += count
		}
	}
	return u, nil
}

func (u usage) minus(before usage) usage {
	return usage{cpu: u.cpu - before.cpu, peakRSS: u.peakRSS, reads: u.reads - before.reads, writes: u.writes - before.writes}
}

// plus adds another usage. It keeps the higher peak.
func (u usage) plus(other usage) usage {
	return usage{
		cpu: u.cpu + other.cpu, peakRSS: max(u.peakRSS, other.peakRSS), reads: u.reads + other.reads, writes: u.writes + other.writes,
	}
}

// restInterval is how long a program sends no request before it counts as at rest.
const restInterval = 2 * time.Second

// usageAtRest waits until a program is at rest, and returns what it used.
func usageAtRest(ctx context.Context, p *bench.Program) (last usage, err error) {
	err = wait.PollUntilContextTimeout(ctx, restInterval, restTimeout, true, func(ctx context.Context) (bool, error) {
		now, err := usageOf(ctx, p)
		atRest := now.reads == last.reads && now.writes == last.writes
		last = now
		return atRest, err
	})
	if err != nil {
		return last, fmt.Errorf("wait until the program is at rest: %w", err)
	}
	return last, nil
}
