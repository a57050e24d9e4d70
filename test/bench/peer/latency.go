package peer

import (
	"context"
	"fmt"
	"time"

	"github.com/aclements/go-moremath/stats"

	"github.com/rehome-operator/rehome/test/bench/table"
)

// samples are the times that creates of Clusters took, in milliseconds.
type samples struct{ neither, policy, rehome []float64 }

// latency measures how long the API server takes to create a Cluster: with the policy, beside Rehome, and with neither.
func (r *rig) latency(ctx context.Context) ([]table.Row, error) {
	var s samples
	for round := range r.rounds {
		r.Stepf("peer: time creates, round %d of %d", round+1, r.rounds)
		for i := range r.creates {
			// In turn, so that what else the machine does hits both.
			if err := r.sample(ctx, &s.neither, withoutPolicy, "neither", round, i); err != nil {
				return nil, err
			}
			if err := r.sample(ctx, &s.policy, withPolicy, "policy", round, i); err != nil {
				return nil, err
			}
		}
		err := r.withRehome(ctx, func() error {
			for i := range r.creates {
				if err := r.sample(ctx, &s.rehome, withoutPolicy, "rehome", round, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return []table.Row{s.row("p50", 0.5), s.row("p99", 0.99)}, nil
}

// sample times a create.
func (r *rig) sample(ctx context.Context, into *[]float64, namespace, kind string, round, i int) error {
	took, err := r.create(ctx, namespace, fmt.Sprintf("%s-%d-%d", kind, round, i))
	*into = append(*into, float64(took)/float64(time.Millisecond))
	return err
}

func (s samples) row(name string, quantile float64) table.Row {
	of := func(times []float64) float64 { return stats.Sample{Xs: times}.Quantile(quantile) }
	neither, policy, rehome := of(s.neither), of(s.policy), of(s.rehome)
	return table.Row{
		Section: section, What: "create of a Cluster, " + name, Unit: "ms", Rehome: rehome, Against: peer, Other: policy,
		Note: fmt.Sprintf("of %d each; with neither %.2f ms: the policy adds %.2f ms; Rehome is no part of a create, and what it adds "+
			"(%.2f ms) is its work on Clusters created before, on the same cores", len(s.rehome), neither, policy-neither, rehome-neither),
	}
}
