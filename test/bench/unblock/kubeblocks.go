package unblock

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
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

const version = "v1.0.2"

// quietPeriod is how long nothing must change before the next round starts.
const quietPeriod = 2 * time.Second

// kubeBlocksEnv is an env with the real KubeBlocks. All rounds share its Namespace.
type kubeBlocksEnv struct {
	plane   *controlplane.ControlPlane
	fixture *fixture.Env
}

// startKubeBlocks returns a function that starts an env with the given number of nodes. Only as many accept Pods as the source has
// replicas; the others are tainted.
func startKubeBlocks(nodes int) func(context.Context) (env, error) {
	return func(ctx context.Context) (env, error) {
		e := &kubeBlocksEnv{}
		var err error
		if e.plane, err = controlplane.Start(ctx, controlplane.Options{Nodes: tainted(nodes), KwokConfig: fixture.Stages()}); err != nil {
			return nil, err
		}
		if err := e.start(ctx); err != nil {
			return nil, errors.Join(err, e.stop())
		}
		return e, nil
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

func (e *kubeBlocksEnv) start(ctx context.Context) error {
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
	if err := found.Install(ctx, e.plane.Config()); err != nil {
		return err
	}
	if err := rehome.InstallCRDs(e.plane.Config()); err != nil {
		return err
	}
	if _, err := kubeblocks.Start(ctx, e.plane, programs); err != nil {
		return err
	}
	if e.fixture, err = fixture.New(e.plane.Config(), found); err != nil {
		return err
	}
	return e.backUp(ctx)
}

func (e *kubeBlocksEnv) backUp(ctx context.Context) error {
	if err := e.fixture.Install(ctx); err != nil {
		return err
	}
	if err := e.fixture.CreateSource(ctx, fixture.Source{Name: source, AllAtOnce: true}); err != nil {
		return err
	}
	if err := e.fixture.WaitRunning(ctx, source); err != nil {
		return err
	}
	return e.fixture.Backup(ctx, source, backup)
}

func (e *kubeBlocksEnv) stop() error { return e.plane.Stop() }

func (e *kubeBlocksEnv) newNamespace(ctx context.Context, _ int) (namespace, error) {
	return e, disableOperators(ctx, e.fixture.Client, e.fixture.Namespace)
}

func (e *kubeBlocksEnv) controlPlane() *controlplane.ControlPlane { return e.plane }

func (e *kubeBlocksEnv) name() string { return e.fixture.Namespace }

func (e *kubeBlocksEnv) restore(ctx context.Context, cluster string) error {
	return e.fixture.Restore(ctx, fixture.Request{Backup: backup, Cluster: cluster})
}

func (e *kubeBlocksEnv) enable(ctx context.Context) error {
	return enableOperators(ctx, e.fixture.Client, e.fixture.Namespace)
}

// finish waits until all restored Clusters run, and deletes them.
func (e *kubeBlocksEnv) finish(ctx context.Context, clusters []string) error {
	for _, name := range clusters {
		if err := e.fixture.WaitRunning(ctx, name); err != nil {
			return err
		}
	}
	for _, name := range clusters {
		if err := e.fixture.DeleteCluster(ctx, name); err != nil {
			return err
		}
	}
	for _, name := range clusters {
		if err := e.waitGone(ctx, name); err != nil {
			return err
		}
	}
	return e.fixture.WaitStable(ctx, quietPeriod)
}

func (e *kubeBlocksEnv) waitGone(ctx context.Context, name string) error {
	err := wait.PollUntilContextTimeout(ctx, pollInterval, restTimeout, true, func(ctx context.Context) (bool, error) {
		_, err := e.fixture.Cluster(ctx, name)
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
