package peer

import (
	"context"
	"fmt"

	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/e2e/differential"
)

// shapes measures how many shapes the policy gets right.
func (r *rig) shapes(ctx context.Context, shapes []differential.Shape) ([]table.Row, error) {
	r.Stepf("peer: create a Cluster of each of %d shapes", len(shapes))
	var own, policy int
	for i := range shapes {
		t, err := trialOf(shapes[i])
		if err != nil {
			return nil, err
		}
		verdict, err := r.admit(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("try shape %s: %w", t.Name, err)
		}
		r.Stepf("peer: shape %s: %s", t.Name, verdict.Text)
		if verdict.Right {
			policy++
		}
		if verdict, err = judgeRehome(t); err != nil {
			return nil, fmt.Errorf("have Rehome rewrite shape %s: %w", t.Name, err)
		}
		if verdict.Right {
			own++
		}
	}
	return []table.Row{shareOfShapes(len(shapes), own, peer, policy)}, nil
}

// admit returns the verdict on what the policy makes of a shape.
func (r *rig) admit(ctx context.Context, t *differential.Case) (differential.Verdict, error) {
	if err := createNamespace(ctx, r.client, t.To, forcing()); err != nil {
		return differential.Verdict{}, err
	}
	cluster, err := restoredAs(t, t.To, differential.Target)
	if err != nil {
		return differential.Verdict{}, err
	}
	if err := r.client.Create(ctx, cluster); err != nil {
		return differential.Verdict{}, fmt.Errorf("create the Cluster: %w", err)
	}
	return judge(t, cluster)
}

// shareOfShapes is the row on how many shapes somebody gets right, beside Rehome.
func shareOfShapes(all, own int, against string, other int) table.Row {
	return table.Row{
		Section: section, What: "shapes of the differential table that become right", Unit: "%",
		Rehome: percent(own, all), Against: against, Other: percent(other, all),
		Note: fmt.Sprintf("%d and %d of %d", own, other, all),
	}
}
