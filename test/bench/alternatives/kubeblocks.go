package alternatives

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/e2e/differential"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

const (
	// version is the version of KubeBlocks in the differential table.
	version      = "v1.0.2"
	stuckCluster = "carrot67"
	// stuckPods is the number of its restore Pods: one for each replica of the source.
	stuckPods = 3
	// policyTimeout is how long the policy has to unblock the restore. In this time the scheduler retries the Pods, and KubeBlocks
	// reconciles.
	policyTimeout = 10 * time.Second
)

// runOnKubeBlocks measures the rows that need the real KubeBlocks.
func runOnKubeBlocks(ctx context.Context, o bench.Options, shapes []differential.Shape) (rows []table.Row, err error) {
	o.Stepf("alternatives: start KubeBlocks %s", version)
	plane, err := controlplane.Start(ctx, controlplane.Options{Nodes: fixture.Nodes(), KwokConfig: fixture.Stages()})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, plane.Stop()) }()
	env, err := startKubeBlocks(ctx, plane)
	if err != nil {
		return nil, err
	}
	o.Stepf("alternatives: run and back up a cluster")
	if err := backUp(ctx, env); err != nil {
		return nil, err
	}
	stuckRow, err := unblockRow(ctx, o, plane, env)
	if err != nil {
		return nil, err
	}
	rows, err = opsRequestRows(ctx, o, env, shapes)
	return append(rows, stuckRow), err
}

func startKubeBlocks(ctx context.Context, plane *controlplane.ControlPlane) (*fixture.Env, error) {
	found, err := kubeblocks.Find(version)
	if err != nil {
		return nil, err
	}
	cache, err := kubeblocks.CacheDir()
	if err != nil {
		return nil, err
	}
	programs, err := found.Programs(cache)
	if err != nil {
		return nil, err
	}
	if err := found.Install(ctx, plane.Config()); err != nil {
		return nil, err
	}
	if _, err := kubeblocks.Start(ctx, plane, programs); err != nil {
		return nil, err
	}
	env, err := fixture.New(plane.Config(), found)
	if err != nil {
		return nil, err
	}
	return env, env.Install(ctx)
}

func backUp(ctx context.Context, env *fixture.Env) error {
	if err := env.CreateSource(ctx, fixture.Source{Name: differential.Source}); err != nil {
		return err
	}
	if err := env.WaitRunning(ctx, differential.Source); err != nil {
		return err
	}
	return env.Backup(ctx, differential.Source, differential.Backup)
}

// opsRequestRows counts the shapes that KubeBlocks rewrites correctly. It rewrites rules only when an OpsRequest restores a Cluster.
func opsRequestRows(ctx context.Context, o bench.Options, env *fixture.Env, shapes []differential.Shape) ([]table.Row, error) {
	cases, err := differential.Restore(ctx, env, shapes, func(step string) { o.Stepf("alternatives: %s", step) })
	if err != nil {
		return nil, err
	}
	var byRehome, byKubeBlocks int
	for _, c := range cases {
		policies, err := differential.ClusterPolicies(c.Restored)
		if err != nil {
			return nil, fmt.Errorf("read KubeBlocks' rewrite of shape %s: %w", c.Name, err)
		}
		if c.Judge(policies).Right {
			byKubeBlocks++
		}
		verdict, err := judgeRehome(c)
		if err != nil {
			return nil, fmt.Errorf("rewrite shape %s with Rehome: %w", c.Name, err)
		}
		if verdict.Right {
			byRehome++
		}
	}
	return []table.Row{shapesRow(len(cases), byRehome, "KubeBlocks 1.0.2, restore by OpsRequest", byKubeBlocks)}, nil
}

// unblockRow measures whether the policy, and then Rehome, unblocks a restore that was stuck before it was installed.
func unblockRow(
	ctx context.Context, o bench.Options, plane *controlplane.ControlPlane, env *fixture.Env,
) (row table.Row, err error) {
	o.Stepf("alternatives: wait for a stuck restore, then install the policy, then Rehome")
	if err := env.RestoreByAnnotation(ctx, differential.Backup, stuckCluster); err != nil {
		return table.Row{}, err
	}
	if _, err := env.WaitRestorePodsUnschedulable(ctx, stuckCluster, stuckPods); err != nil {
		return table.Row{}, err
	}
	if err := applyPolicyTo(ctx, env); err != nil {
		return table.Row{}, err
	}
	afterPolicy, err := stuckPodsAfter(ctx, env, policyTimeout)
	if err != nil {
		return table.Row{}, err
	}
	operator, err := rehome.Start(ctx, plane, o.Rehome)
	if err != nil {
		return table.Row{}, err
	}
	// The next rows measure KubeBlocks without Rehome.
	defer func() { err = errors.Join(err, operator.Stop()) }()
	if err := env.WaitRunning(ctx, stuckCluster); err != nil {
		return table.Row{}, err
	}
	afterRehome, err := env.UnschedulableRestorePods(ctx, stuckCluster)
	if err != nil {
		return table.Row{}, err
	}
	return table.Row{
		Section: section, What: "restore Pods stuck before the installation and scheduled after it", Unit: "%",
		Rehome: percent(stuckPods-len(afterRehome), stuckPods), Against: againstPolicy, Other: percent(stuckPods-afterPolicy, stuckPods),
		Note: fmt.Sprintf("of %d, on KubeBlocks 1.0.2; the policy has %s, and the Cluster is updated: the policy rewrites its rules, but not "+
			"the copies in its Restore and Pods", stuckPods, policyTimeout),
	}, nil
}

// applyPolicyTo installs the policy, and updates the stuck Cluster so that the policy applies to it.
func applyPolicyTo(ctx context.Context, env *fixture.Env) error {
	cluster, err := env.Cluster(ctx, stuckCluster)
	if err != nil {
		return err
	}
	if err := labelNamespace(ctx, env.Client, env.Namespace); err != nil {
		return err
	}
	probe := cluster.DeepCopy()
	probe.SetName("probe")
	probe.SetResourceVersion("")
	probe.SetUID("")
	if err := install(ctx, env.Client, probe); err != nil {
		return err
	}
	return labelCluster(ctx, env.Client, cluster)
}

func stuckPodsAfter(ctx context.Context, env *fixture.Env, delay time.Duration) (int, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(delay):
	}
	stuck, err := env.UnschedulableRestorePods(ctx, stuckCluster)
	return len(stuck), err
}
