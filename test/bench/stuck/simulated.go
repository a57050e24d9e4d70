package stuck

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/bench/standin"
	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// simulated is a world with the stand-in.
type simulated struct {
	plane *controlplane.ControlPlane
	admin client.Client
	nodes []controlplane.Node
	// volumes is how many each Cluster has.
	volumes int
	// quit ends the stand-in, played waits for that.
	quit   context.CancelFunc
	played errgroup.Group
}

// simulate returns what starts a world with that many nodes, in which each Cluster has that many volumes.
func simulate(nodes, volumes int) func(context.Context) (world, error) {
	return func(ctx context.Context) (world, error) {
		s := &simulated{nodes: zoned(nodes), volumes: volumes, quit: func() {}}
		var err error
		if s.plane, err = controlplane.Start(ctx, controlplane.Options{Nodes: s.nodes}); err != nil {
			return nil, err
		}
		if err := s.start(ctx); err != nil {
			return nil, errors.Join(err, s.stop())
		}
		return s, nil
	}
}

// zoned returns nodes in as many zones as a Cluster has replicas at most: the rules want them spread.
func zoned(count int) []controlplane.Node {
	nodes := make([]controlplane.Node, count)
	for i := range nodes {
		nodes[i] = controlplane.Node{Name: fmt.Sprintf("node-%d", i), Zone: fmt.Sprintf("zone-%d", i%fixture.Replicas)}
	}
	return nodes
}

func (s *simulated) start(ctx context.Context) (err error) {
	if s.admin, err = adminOf(s.plane); err != nil {
		return err
	}
	options := envtest.CRDInstallOptions{CRDs: rehometesting.V10().CRDs()}
	if _, err := envtest.InstallCRDs(s.plane.Config(), options); err != nil {
		return fmt.Errorf("install the definitions of KubeBlocks: %w", err)
	}
	if err := installRehome(s.plane); err != nil {
		return err
	}
	ctx, s.quit = context.WithCancel(ctx)
	s.played.Go(func() error { return standin.Run(ctx, s.plane.Config(), s.volumes) })
	return nil
}

func adminOf(plane *controlplane.ControlPlane) (client.Client, error) {
	config := plane.Config()
	config.QPS = -1 // no limit
	admin, err := client.New(config, client.Options{})
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return admin, nil
}

// installRehome installs the definitions of Rehome's own kinds.
func installRehome(plane *controlplane.ControlPlane) error {
	root, err := repository.Root()
	if err != nil {
		return err
	}
	options := envtest.CRDInstallOptions{Paths: []string{filepath.Join(root, "config", "crd")}, ErrorIfPathMissing: true}
	if _, err := envtest.InstallCRDs(plane.Config(), options); err != nil {
		return fmt.Errorf("install the definitions of Rehome: %w", err)
	}
	return nil
}

func (s *simulated) stop() error {
	s.quit()
	return errors.Join(s.played.Wait(), s.plane.Stop())
}
