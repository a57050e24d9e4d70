// Package alternatives compares Rehome with what a platform team could use instead: the MutatingAdmissionPolicy of policy.yaml, which
// replaces the instance label in every restored Cluster's rules, and KubeBlocks' own rewrite.
package alternatives

import (
	"context"
	"time"

	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/e2e/differential"
)

const (
	section       = "Alternatives"
	againstPolicy = "MutatingAdmissionPolicy"
)

type size struct {
	shapes int
	// existing is the number of Clusters that exist before the policy, and before Rehome.
	existing int
	// rest is how long Rehome must be idle to count as at rest.
	rest time.Duration
}

var smoke = size{shapes: 3, existing: 2, rest: time.Second}

func full(shapes []differential.Shape) size {
	return size{shapes: len(shapes), existing: 20, rest: 2 * time.Second}
}

// Run is a bench.Benchmark. A smoke run omits the rows that need the real KubeBlocks.
func Run(ctx context.Context, o bench.Options) ([]table.Row, error) {
	shapes, err := differential.Shapes()
	if err != nil {
		return nil, err
	}
	n := full(shapes)
	if o.Smoke {
		n = smoke
	}
	rows, err := runOnAPIServer(ctx, o, n, shapes[:n.shapes])
	if err != nil || o.Smoke {
		return rows, err
	}
	more, err := runOnKubeBlocks(ctx, o, shapes)
	return append(rows, more...), err
}
