package peer

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/e2e/differential"
)

// What the names of Namespaces begin with that have a Cluster from before the policy, or before Rehome.
const beforePolicy, beforeRehome = "before-policy-", "before-rehome-"

// earlierClusters measures what becomes of Clusters that were restored before the policy, or Rehome, was there.
func (r *rig) earlierClusters(ctx context.Context) ([]table.Row, error) {
	r.Stepf("peer: %d Clusters, and then the policy, and then Rehome", r.earlier)
	for i := range r.earlier {
		if err := r.createEarlier(ctx, i); err != nil {
			return nil, err
		}
	}
	probe, err := restoredAs(r.common, withPolicy, "probe")
	if err != nil {
		return nil, err
	}
	if err := install(ctx, r.client, probe); err != nil {
		return nil, err
	}
	untouched, err := r.countRight(ctx, beforePolicy)
	if err != nil {
		return nil, err
	}
	if err := r.touch(ctx, beforePolicy); err != nil {
		return nil, err
	}
	touched, err := r.countRight(ctx, beforePolicy)
	if err != nil {
		return nil, err
	}
	var cured int
	err = r.withRehome(ctx, func() (err error) {
		cured, err = r.awaitRight(ctx, beforeRehome)
		return err
	})
	if err != nil {
		return nil, err
	}
	return []table.Row{{
		Section: section, What: "Clusters restored before it was installed whose rules become right", Unit: "%",
		Rehome: percent(cured, r.earlier), Against: peer, Other: percent(untouched, r.earlier),
		Note: fmt.Sprintf("of %d each; once somebody wrote them again, the policy put %d right", r.earlier, touched),
	}}, nil
}

func (r *rig) createEarlier(ctx context.Context, i int) error {
	for prefix, labels := range map[string]map[string]string{beforePolicy: forcing(), beforeRehome: nil} {
		namespace := fmt.Sprint(prefix, i)
		if err := r.createHome(ctx, namespace, labels); err != nil {
			return err
		}
		if _, err := r.create(ctx, namespace, differential.Target); err != nil {
			return err
		}
	}
	return nil
}

// countRight counts the earlier Clusters whose rules are right.
func (r *rig) countRight(ctx context.Context, prefix string) (int, error) {
	right := 0
	for i := range r.earlier {
		cluster, err := r.earlierCluster(ctx, prefix, i)
		if err != nil {
			return 0, err
		}
		verdict, err := judge(r.common, cluster)
		if err != nil {
			return 0, err
		}
		if verdict.Right {
			right++
		}
	}
	return right, nil
}

// awaitRight counts until all are right, or until it has taken too long.
func (r *rig) awaitRight(ctx context.Context, prefix string) (right int, err error) {
	err = wait.PollUntilContextTimeout(ctx, activeInterval, activeTimeout, true, func(ctx context.Context) (bool, error) {
		right, err = r.countRight(ctx, prefix)
		return right == r.earlier, err
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return right, nil
	}
	return right, err
}

// touch writes the earlier Clusters, as anybody might who cares for something else.
func (r *rig) touch(ctx context.Context, prefix string) error {
	for i := range r.earlier {
		cluster, err := r.earlierCluster(ctx, prefix, i)
		if err != nil {
			return err
		}
		if err := label(ctx, r.client, cluster); err != nil {
			return err
		}
	}
	return nil
}

// label sets a label on a Cluster.
func label(ctx context.Context, c client.Client, cluster *unstructured.Unstructured) error {
	before := cluster.DeepCopy()
	cluster.SetLabels(map[string]string{"team": "shop"})
	if err := c.Patch(ctx, cluster, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("label Cluster %s: %w", client.ObjectKeyFromObject(cluster), err)
	}
	return nil
}

func (r *rig) earlierCluster(ctx context.Context, prefix string, i int) (*unstructured.Unstructured, error) {
	cluster := &unstructured.Unstructured{}
	cluster.SetGroupVersionKind(rehometesting.V10().Apps.WithKind("Cluster"))
	name := types.NamespacedName{Namespace: fmt.Sprint(prefix, i), Name: differential.Target}
	if err := r.client.Get(ctx, name, cluster); err != nil {
		return nil, fmt.Errorf("get Cluster %s: %w", name, err)
	}
	return cluster, nil
}

func percent(part, whole int) float64 { return 100 * float64(part) / float64(whole) }
