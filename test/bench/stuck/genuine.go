package stuck

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
)

// version is the KubeBlocks that restores are measured on.
const version = "v1.0.2"

// quiet is for how long nothing may change before the next round begins.
const quiet = 2 * time.Second

// genuine is a world with KubeBlocks. It is also the one place of that world.
type genuine struct {
	plane *controlplane.ControlPlane
	world *fixture.Env
}

// startGenuine returns what starts a world with that many nodes. As many as the source has replicas take Pods; the scheduler has to
// look at the taints of the others.
func startGenuine(nodes int) func(context.Context) (world, error) {
	return func(ctx context.Context) (world, error) {
		r := &genuine{}
		var err error
		if r.plane, err = controlplane.Start(ctx, controlplane.Options{Nodes: tainted(nodes), KwokConfig: fixture.Stages()}); err != nil {
			return nil, err
		}
		if err := r.start(ctx); err != nil {
			return nil, errors.Join(err, r.stop())
		}
		return r, nil
	}
}

func tainted(count int) []controlplane.Node {
	nodes := fixture.Nodes()
	for i := len(nodes); i < count; i++ {
		node := fixture.FreeNode(fmt.Sprintf("taken-%d", i))
		node.Taints = []corev1.Taint{{Key: "taken", Effect: corev1.TaintEffectNoSchedule}}
		nodes = append(nodes, node)
	}
	return nodes
}

func (r *genuine) start(ctx context.Context) error {
	found, err := kubeblocks.Find(version)
	if err != nil {
		return err
	}
	cache, err := kubeblocks.CacheDir()
	if err != nil {
		return err
	}
	programs, err := found.Programs(cache)
	if err != nil {
		return err
	}
	if err := found.Install(ctx, r.plane.Config()); err != nil {
		return err
	}
	if err := installRehome(r.plane); err != nil {
		return err
	}
	if _, err := kubeblocks.Start(ctx, r.plane, programs); err != nil {
		return err
	}
	if r.world, err = fixture.New(r.plane.Config(), found); err != nil {
		return err
	}
	return r.backUp(ctx)
}

// backUp runs a source on all nodes that take Pods, and backs it up.
func (r *genuine) backUp(ctx context.Context) error {
	if err := r.world.Install(ctx); err != nil {
		return err
	}
	if err := r.world.CreateSource(ctx, fixture.Source{Name: source, AllAtOnce: true}); err != nil {
		return err
	}
	if err := r.world.WaitRunning(ctx, source); err != nil {
		return err
	}
	return r.world.Backup(ctx, source, backup)
}

func (r *genuine) stop() error { return r.plane.Stop() }

func (r *genuine) begin(ctx context.Context, _ int) (place, error) {
	return r, hold(ctx, r.world.Client, r.world.Namespace)
}

func (r *genuine) controlPlane() *controlplane.ControlPlane { return r.plane }

func (r *genuine) namespace() string { return r.world.Namespace }

func (r *genuine) restore(ctx context.Context, cluster string) error {
	return r.world.RestoreByAnnotation(ctx, backup, cluster)
}

func (r *genuine) release(ctx context.Context) error {
	return release(ctx, r.world.Client, r.world.Namespace)
}

// end returns when all restored Clusters have run, and are gone.
func (r *genuine) end(ctx context.Context, clusters []string) error {
	for _, name := range clusters {
		if err := r.world.WaitRunning(ctx, name); err != nil {
			return err
		}
	}
	for _, name := range clusters {
		if err := r.world.DeleteCluster(ctx, name); err != nil {
			return err
		}
	}
	for _, name := range clusters {
		if err := r.awaitGone(ctx, name); err != nil {
			return err
		}
	}
	return r.world.WaitStable(ctx, quiet)
}

func (r *genuine) awaitGone(ctx context.Context, name string) error {
	err := wait.PollUntilContextTimeout(ctx, pollInterval, restTimeout, true, func(ctx context.Context) (bool, error) {
		_, err := r.world.Cluster(ctx, name)
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		return false, client.IgnoreNotFound(err)
	})
	if err != nil {
		return fmt.Errorf("wait until Cluster %s is gone: %w", name, err)
	}
	return nil
}
