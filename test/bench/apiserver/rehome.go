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

// rehome is the name of Rehome's user. The audit policy names it, too.
const rehome = "rehome"

// configuration is Rehome's. It logs each decision, which tells when it is made.
const configuration = `apiVersion: config.rehome.kubeblocks.io/v1alpha1
kind: Configuration
metrics: {bindAddress: "0"}
health: {bindAddress: "0"}
logLevel: Trace
`

// Installation is what Rehome needs to run: rights, a kubeconfig and a configuration file.
type Installation struct{ kubeconfig, config string }

// InstallRehome gives Rehome the rights that its manifests do, and nothing else.
func (s *Server) InstallRehome(ctx context.Context) (*Installation, error) {
	admin, err := client.New(s.Config(), client.Options{})
	if err != nil {
		return nil, err
	}
	if err := rehometesting.Grant(ctx, admin, rehome); err != nil {
		return nil, fmt.Errorf("give Rehome its rights: %w", err)
	}
	user, err := s.environment.AddUser(envtest.User{Name: rehome}, &rest.Config{})
	if err != nil {
		return nil, fmt.Errorf("make a user for Rehome: %w", err)
	}
	kubeconfig, err := user.KubeConfig()
	if err != nil {
		return nil, fmt.Errorf("make Rehome's kubeconfig: %w", err)
	}
	i := &Installation{}
	if i.kubeconfig, err = s.write("rehome.kubeconfig", kubeconfig); err != nil {
		return nil, err
	}
	i.config, err = s.write("rehome.yaml", []byte(configuration))
	return i, err
}

// The texts by which Rehome's log tells where it stands.
const (
	// Synced says that the caches hold what the API server does.
	Synced = `"msg":"Starting workers"`
	// Decided says that it was decided what to do about a Cluster.
	Decided = `"msg":"Decided"`
)

// Start starts Rehome as the only manager: one that has to hold a lease ends when the machine is too busy for it.
func (i *Installation) Start(ctx context.Context, binary string) (*Program, error) {
	return i.start(ctx, []string{binary})
}

// StartListing is Start, with client libraries that list in one piece what they would have the API server stream.
func (i *Installation) StartListing(ctx context.Context, binary string) (*Program, error) {
	return i.start(ctx, []string{"env", "KUBE_FEATURE_WatchListClient=false", binary})
}

// StartElected starts Rehome as one of several managers, as the chart does.
func (i *Installation) StartElected(ctx context.Context, binary string) (*Program, error) {
	return i.start(ctx, []string{binary}, "--leader-elect", "--leader-election-namespace="+rehometesting.OwnNamespace)
}

func (i *Installation) start(ctx context.Context, command []string, flags ...string) (*Program, error) {
	args := slices.Concat(command[1:], []string{"manager", "--config=" + i.config}, flags)
	return Run(ctx, i.kubeconfig, []string{Synced, Decided}, command[0], args...)
}
