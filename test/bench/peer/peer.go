// Package peer measures Rehome beside what a platform team would use in its place: a MutatingAdmissionPolicy, of policy.yaml, that
// gives every restored Cluster rules about itself at admission. KubeBlocks' own rewrite stands beside them.
package peer

import (
	"context"
	"time"

	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/e2e/differential"
)

const (
	section = "Instead of Rehome"
	// peer is what the table calls the policy.
	peer = "MutatingAdmissionPolicy"
)

// size is how much is measured.
type size struct {
	// shapes is how many shapes of the differential table are tried.
	shapes int
	// rounds is how often creates with the policy, without it and beside Rehome take turns, creates how many there are in a round of
	// each.
	rounds, creates int
	// earlier is how many Clusters are there before the policy and before Rehome.
	earlier int
	// rest is how long Rehome has to do next to nothing until it has done what there was to do.
	rest time.Duration
}

var smoke = size{shapes: 3, rounds: 1, creates: 5, earlier: 2, rest: time.Second}

func full(shapes []differential.Shape) size {
	return size{shapes: len(shapes), rounds: 5, creates: 100, earlier: 20, rest: 2 * time.Second}
}

// Run measures the peer. A smoke run leaves out what needs the real KubeBlocks.
func Run(ctx context.Context, o bench.Options) ([]table.Row, error) {
	shapes, err := differential.Shapes()
	if err != nil {
		return nil, err
	}
	n := full(shapes)
	if o.Smoke {
		n = smoke
	}
	rows, err := runAlone(ctx, o, n, shapes[:n.shapes])
	if err != nil || o.Smoke {
		return rows, err
	}
	more, err := runBesideKubeBlocks(ctx, o, shapes)
	return append(rows, more...), err
}
