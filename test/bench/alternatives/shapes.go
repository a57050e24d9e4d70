package alternatives

import (
	"context"
	"fmt"

	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/e2e/differential"
)

// compareShapes counts the shapes that the policy and Rehome rewrite correctly.
func (e *serverEnv) compareShapes(ctx context.Context, shapes []differential.Shape) ([]table.Row, error) {
	e.Stepf("alternatives: create a Cluster of each of %d shapes", len(shapes))
	var byRehome, byPolicy int
	for i := range shapes {
		c, err := caseOf(shapes[i])
		if err != nil {
			return nil, err
		}
		verdict, err := e.applyPolicy(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("apply the policy to shape %s: %w", c.Name, err)
		}
		e.Stepf("alternatives: shape %s: %s", c.Name, verdict.Text)
		if verdict.Right {
			byPolicy++
		}
		if verdict, err = judgeRehome(c); err != nil {
			return nil, fmt.Errorf("rewrite shape %s with Rehome: %w", c.Name, err)
		}
		if verdict.Right {
			byRehome++
		}
	}
	all := float64(len(shapes))
	return []table.Row{{
		Section: "Alternatives", What: "shapes of the differential table rewritten correctly", Unit: "%",
		Rehome: 100 * float64(byRehome) / all, Against: "MutatingAdmissionPolicy", Other: 100 * float64(byPolicy) / all,
		Note: fmt.Sprintf("%d and %d of %d", byRehome, byPolicy, len(shapes)),
	}}, nil
}

// applyPolicy creates a Cluster of a shape where the policy applies, and judges its rules.
func (e *serverEnv) applyPolicy(ctx context.Context, c *differential.Case) (differential.Verdict, error) {
	if err := createNamespace(ctx, e.client, c.To, policyLabels()); err != nil {
		return differential.Verdict{}, err
	}
	cluster, err := restoredCluster(c, c.To, differential.Target)
	if err != nil {
		return differential.Verdict{}, err
	}
	if err := e.client.Create(ctx, cluster); err != nil {
		return differential.Verdict{}, fmt.Errorf("create the Cluster: %w", err)
	}
	return judge(c, cluster)
}
