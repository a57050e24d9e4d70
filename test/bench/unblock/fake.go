package unblock

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/bench/fakekubeblocks"
	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

type fakeEnv struct {
	plane   *controlplane.ControlPlane
	admin   client.Client
	nodes   []controlplane.Node
	volumes int
	// neutral says that the rules of the source name nobody.
	neutral bool
	// stopFake stops the fake KubeBlocks, running waits for it.
	stopFake context.CancelFunc
	running  errgroup.Group
}

// startFake returns a function that starts an env with the given numbers of nodes and of volumes per Cluster.
func startFake(nodes, volumes int) func(context.Context) (env, error) {
	return func(ctx context.Context) (env, error) {
		e := &fakeEnv{nodes: zonedNodes(nodes), volumes: volumes, stopFake: func() {}}
		var err error
		if e.plane, err = controlplane.Start(ctx, controlplane.Options{Nodes: e.nodes}); err != nil {
			return nil, err
		}
		if err := e.start(ctx); err != nil {
			return nil, errors.Join(err, e.stop())
		}
		return e, nil
	}
}

// zonedNodes returns nodes in as many zones as a Cluster has replicas, because the rules spread Pods over zones.
func zonedNodes(count int) []controlplane.Node {
	nodes := make([]controlplane.Node, count)
	for i := range nodes {
		nodes[i] = controlplane.Node{Name: fmt.Sprintf("node-%d", i), Zone: fmt.Sprintf("zone-%d", i%fixture.Replicas)}
	}
	return nodes
}

func (e *fakeEnv) start(ctx context.Context) (err error) {
	if e.admin, err = newClient(e.plane); err != nil {
		return err
	}
	options := envtest.CRDInstallOptions{CRDs: rehometesting.V10().CRDs()}
	if _, err := envtest.InstallCRDs(e.plane.Config(), options); err != nil {
		return fmt.Errorf("install the CRDs of KubeBlocks: %w", err)
	}
	if err := rehome.InstallCRDs(e.plane.Config()); err != nil {
		return err
	}
	ctx, e.stopFake = context.WithCancel(ctx)
	e.running.Go(func() error { return fakekubeblocks.Run(ctx, e.plane.Config(), e.volumes) })
	return nil
}

func newClient(plane *controlplane.ControlPlane) (client.Client, error) {
	config := plane.Config()
	config.QPS = -1 // No limit.
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	v1alpha1.AddToScheme(scheme)
	kubeblocks.AddToScheme(scheme, rehometesting.V10().Apps)
	admin, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return admin, nil
}

func (e *fakeEnv) stop() error {
	e.stopFake()
	return errors.Join(e.running.Wait(), e.plane.Stop())
}
