package peer

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
	// release is the one of KubeBlocks that the differential table is about.
	release = "v1.0.2"
	// stuck is the name of a Cluster whose restore hangs.
	stuck = "carrot67"
	// hungPods is how many restore Pods it has: as many as the source has replicas.
	hungPods = 3
	// patience is how long the policy is given to end the hang. The scheduler tries a Pod again within it, and KubeBlocks reconciles.
	patience = 10 * time.Second
)

// runBesideKubeBlocks measures what needs the real KubeBlocks.
func runBesideKubeBlocks(ctx context.Context, o bench.Options, shapes []differential.Shape) (rows []table.Row, err error) {
	o.Stepf("peer: start KubeBlocks %s", release)
	plane, err := controlplane.Start(ctx, controlplane.Options{Nodes: fixture.Nodes(), KwokConfig: fixture.Stages()})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, plane.Stop()) }()
	world, err := startKubeBlocks(ctx, plane)
	if err != nil {
		return nil, err
	}
	o.Stepf("peer: run and back up a cluster")
	if err := backUp(ctx, world); err != nil {
		return nil, err
	}
	hang, err := rowOfHang(ctx, o, plane, world)
	if err != nil {
		return nil, err
	}
	inTree, err := rowOfInTree(ctx, o, world, shapes)
	return append(inTree, hang), err
}

func startKubeBlocks(ctx context.Context, plane *controlplane.ControlPlane) (*fixture.Env, error) {
	version, err := kubeblocks.Find(release)
	if err != nil {
		return nil, err
	}
	cache, err := kubeblocks.CacheDir()
	if err != nil {
		return nil, err
	}
	programs, err := version.Programs(cache)
	if err != nil {
		return nil, err
	}
	if err := version.Install(ctx, plane.Config()); err != nil {
		return nil, err
	}
	if _, err := kubeblocks.Start(ctx, plane, programs); err != nil {
		return nil, err
	}
	world, err := fixture.New(plane.Config(), version)
	if err != nil {
		return nil, err
	}
	return world, world.Install(ctx)
}

func backUp(ctx context.Context, world *fixture.Env) error {
	if err := world.CreateSource(ctx, fixture.Source{Name: differential.Source}); err != nil {
		return err
	}
	if err := world.WaitRunning(ctx, differential.Source); err != nil {
		return err
	}
	return world.Backup(ctx, differential.Source, differential.Backup)
}

// rowOfInTree measures how many shapes KubeBlocks gets right where it rewrites at all: when an OpsRequest asks for the restore.
func rowOfInTree(ctx context.Context, o bench.Options, world *fixture.Env, shapes []differential.Shape) ([]table.Row, error) {
	trials, err := differential.Restore(ctx, world, shapes, func(step string) { o.Stepf("peer: %s", step) })
	if err != nil {
		return nil, err
	}
	var own, inTree int
	for _, t := range trials {
		policies, err := differential.ClusterPolicies(t.Restored)
		if err != nil {
			return nil, fmt.Errorf("read what KubeBlocks made of shape %s: %w", t.Name, err)
		}
		if t.Judge(policies).Right {
			inTree++
		}
		verdict, err := judgeRehome(t)
		if err != nil {
			return nil, fmt.Errorf("have Rehome rewrite shape %s: %w", t.Name, err)
		}
		if verdict.Right {
			own++
		}
	}
	return []table.Row{shareOfShapes(len(trials), own, "KubeBlocks 1.0.2, restore by OpsRequest", inTree)}, nil
}

// rowOfHang measures who ends a hang that was there before: first the policy comes, and then Rehome.
func rowOfHang(
	ctx context.Context, o bench.Options, plane *controlplane.ControlPlane, world *fixture.Env,
) (row table.Row, err error) {
	o.Stepf("peer: have a restore hang, and then the policy, and then Rehome")
	if err := world.RestoreByAnnotation(ctx, differential.Backup, stuck); err != nil {
		return table.Row{}, err
	}
	if _, err := world.WaitRestorePodsUnschedulable(ctx, stuck, hungPods); err != nil {
		return table.Row{}, err
	}
	if err := forceOn(ctx, world); err != nil {
		return table.Row{}, err
	}
	hang, err := hungAfter(ctx, world, patience)
	if err != nil {
		return table.Row{}, err
	}
	operator, err := rehome.Start(ctx, plane, o.Rehome)
	if err != nil {
		return table.Row{}, err
	}
	// KubeBlocks is to be alone afterwards.
	defer func() { err = errors.Join(err, operator.Stop()) }()
	if err := world.WaitRunning(ctx, stuck); err != nil {
		return table.Row{}, err
	}
	left, err := world.UnschedulableRestorePods(ctx, stuck)
	if err != nil {
		return table.Row{}, err
	}
	return table.Row{
		Section: section, What: "restore Pods that hung before it was installed, and find a node", Unit: "%",
		Rehome: percent(hungPods-len(left), hungPods), Against: peer, Other: percent(hungPods-hang, hungPods),
		Note: fmt.Sprintf("of %d, on KubeBlocks 1.0.2; the policy has %s, and the Cluster is written again: its own rules become right, those "+
			"of its Restore and Pods, which are copies, stay", hungPods, patience),
	}, nil
}

// forceOn has the policy hold in the world, and writes the Cluster that is stuck.
func forceOn(ctx context.Context, world *fixture.Env) error {
	cluster, err := world.Cluster(ctx, stuck)
	if err != nil {
		return err
	}
	if err := setForcing(ctx, world.Client, world.Namespace); err != nil {
		return err
	}
	probe := cluster.DeepCopy()
	probe.SetName("probe")
	probe.SetResourceVersion("")
	probe.SetUID("")
	if err := install(ctx, world.Client, probe); err != nil {
		return err
	}
	return label(ctx, world.Client, cluster)
}

// hungAfter returns how many restore Pods hang after a while.
func hungAfter(ctx context.Context, world *fixture.Env, while time.Duration) (int, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(while):
	}
	hung, err := world.UnschedulableRestorePods(ctx, stuck)
	return len(hung), err
}
