package alternatives

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

const (
	// Prefixes of the Namespaces whose Cluster exists before the policy, or before Rehome.
	beforePolicy, beforeRehome = "before-policy-", "before-rehome-"
	// probeNamespace is for dry-run creates.
	probeNamespace = "probe"
)

// existingClusters measures which Clusters are rewritten that were restored before the policy or Rehome was installed.
func (e *serverEnv) existingClusters(ctx context.Context) ([]table.Row, error) {
	e.Stepf("alternatives: create %d Clusters, then install the policy, then Rehome", e.existing)
	for i := range e.existing {
		if err := e.createExisting(ctx, i); err != nil {
			return nil, err
		}
	}
	if err := e.installPolicy(ctx); err != nil {
		return nil, err
	}
	untouched, err := e.countRight(ctx, beforePolicy)
	if err != nil {
		return nil, err
	}
	if err := e.updateExisting(ctx, beforePolicy); err != nil {
		return nil, err
	}
	updated, err := e.countRight(ctx, beforePolicy)
	if err != nil {
		return nil, err
	}
	var rehomed int
	err = e.withRehome(ctx, func() (err error) {
		rehomed, err = e.waitRight(ctx, beforeRehome)
		return err
	})
	if err != nil {
		return nil, err
	}
	return []table.Row{{
		Section: section, What: "Clusters restored before the installation and rewritten correctly", Unit: "%",
		Rehome: percent(rehomed, e.existing), Against: againstPolicy, Other: percent(untouched, e.existing),
		Note: fmt.Sprintf("of %d each; the policy rewrote %d once the Clusters were updated", e.existing, updated),
	}}, nil
}

func (e *serverEnv) createExisting(ctx context.Context, i int) error {
	for prefix, labels := range map[string]map[string]string{beforePolicy: policyLabels(), beforeRehome: nil} {
		namespace := fmt.Sprint(prefix, i)
		if err := createNamespace(ctx, e.client, namespace, labels); err != nil {
			return err
		}
		backup := e.common.Backup.DeepCopy()
		backup.SetNamespace(namespace)
		if err := e.client.Create(ctx, backup); err != nil {
			return fmt.Errorf("create a Backup in Namespace %s: %w", namespace, err)
		}
		cluster, err := restoredCluster(e.common, namespace, differential.Target)
		if err != nil {
			return err
		}
		if err := e.client.Create(ctx, cluster); err != nil {
			return fmt.Errorf("create a Cluster in Namespace %s: %w", namespace, err)
		}
	}
	return nil
}

func (e *serverEnv) installPolicy(ctx context.Context) error {
	if err := createNamespace(ctx, e.client, probeNamespace, policyLabels()); err != nil {
		return err
	}
	probe, err := restoredCluster(e.common, probeNamespace, "probe")
	if err != nil {
		return err
	}
	return install(ctx, e.client, probe)
}

func (e *serverEnv) countRight(ctx context.Context, prefix string) (int, error) {
	right := 0
	for i := range e.existing {
		cluster, err := e.existingCluster(ctx, prefix, i)
		if err != nil {
			return 0, err
		}
		verdict, err := judge(e.common, cluster)
		if err != nil {
			return 0, err
		}
		if verdict.Right {
			right++
		}
	}
	return right, nil
}

// waitRight waits until all existing Clusters are right. It returns how many are; a timeout is not an error.
func (e *serverEnv) waitRight(ctx context.Context, prefix string) (right int, err error) {
	err = wait.PollUntilContextTimeout(ctx, activeInterval, activeTimeout, true, func(ctx context.Context) (bool, error) {
		right, err = e.countRight(ctx, prefix)
		return right == e.existing, err
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return right, nil
	}
	return right, err
}

// updateExisting updates the existing Clusters, so that the policy applies to them.
func (e *serverEnv) updateExisting(ctx context.Context, prefix string) error {
	for i := range e.existing {
		cluster, err := e.existingCluster(ctx, prefix, i)
		if err != nil {
			return err
		}
		if err := labelCluster(ctx, e.client, cluster); err != nil {
			return err
		}
	}
	return nil
}

// labelCluster updates a Cluster without changing its rules.
func labelCluster(ctx context.Context, c client.Client, cluster *unstructured.Unstructured) error {
	before := cluster.DeepCopy()
	cluster.SetLabels(map[string]string{"team": "shop"})
	if err := c.Patch(ctx, cluster, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("label Cluster %s: %w", client.ObjectKeyFromObject(cluster), err)
	}
	return nil
}

func (e *serverEnv) existingCluster(ctx context.Context, prefix string, i int) (*unstructured.Unstructured, error) {
	cluster := &unstructured.Unstructured{}
	cluster.SetGroupVersionKind(rehometesting.V10().Apps.WithKind("Cluster"))
	name := types.NamespacedName{Namespace: fmt.Sprint(prefix, i), Name: differential.Target}
	if err := e.client.Get(ctx, name, cluster); err != nil {
		return nil, fmt.Errorf("get Cluster %s: %w", name, err)
	}
	return cluster, nil
}

func percent(part, total int) float64 { return 100 * float64(part) / float64(total) }
