package apiserver

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// rehome is Rehome's user, as in audit.yaml.
const rehome = "rehome"

// configuration is Rehome's. At this level the log has every decision, which benchmarks time.
const configuration = `apiVersion: config.rehome.kubeblocks.io/v1alpha1
kind: Configuration
metrics: {bindAddress: "0"}
health: {bindAddress: "0"}
logLevel: Trace
`

// Installation holds the kubeconfig and the configuration file to start Rehome with.
type Installation struct{ kubeconfig, config string }

// InstallRehome creates a user with exactly the rights of Rehome's manifests.
func (s *Server) InstallRehome(ctx context.Context) (*Installation, error) {
	admin, err := client.New(s.Config(), client.Options{})
	if err != nil {
		return nil, err
	}
	if err := rehometesting.Grant(ctx, admin, rehome); err != nil {
		return nil, fmt.Errorf("grant Rehome its rights: %w", err)
	}
	user, err := s.environment.AddUser(envtest.User{Name: rehome}, &rest.Config{})
	if err != nil {
		return nil, fmt.Errorf("create a user for Rehome: %w", err)
	}
	kubeconfig, err := user.KubeConfig()
	if err != nil {
		return nil, fmt.Errorf("create Rehome's kubeconfig: %w", err)
	}
	i := &Installation{}
	if i.kubeconfig, err = s.write("rehome.kubeconfig", kubeconfig); err != nil {
		return nil, err
	}
	i.config, err = s.write("rehome.yaml", []byte(configuration))
	return i, err
}

// Texts in Rehome's log.
const (
	// Synced is logged once all caches have synced.
	Synced = `"msg":"Starting workers"`
	// Decided is logged for every decision about a Cluster.
	Decided = `"msg":"Decided"`
)

// Start starts Rehome without leader election: on a busy machine it could lose its lease.
func (i *Installation) Start(ctx context.Context, binary string) (*Program, error) {
	return i.start(ctx, []string{binary})
}

// StartWithoutWatchList is Start with plain lists instead of streamed ones.
func (i *Installation) StartWithoutWatchList(ctx context.Context, binary string) (*Program, error) {
	return i.start(ctx, []string{"env", "KUBE_FEATURE_WatchListClient=false", binary})
}

// StartWithLeaderElection starts Rehome as the chart does.
func (i *Installation) StartWithLeaderElection(ctx context.Context, binary string) (*Program, error) {
	return i.start(ctx, []string{binary}, "--leader-elect", "--leader-election-namespace="+rehometesting.OwnNamespace)
}

// StartWith is Start with more flags.
func (i *Installation) StartWith(ctx context.Context, binary string, flags ...string) (*Program, error) {
	return i.start(ctx, []string{binary}, flags...)
}

func (i *Installation) start(ctx context.Context, command []string, flags ...string) (*Program, error) {
	args := slices.Concat(command[1:], []string{"manager", "--config=" + i.config}, flags)
	return Run(ctx, i.kubeconfig, []string{Synced, Decided}, command[0], args...)
}
