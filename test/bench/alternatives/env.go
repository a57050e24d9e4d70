package alternatives

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/test/bench/apiserver"
	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/e2e/differential"
)

// restTimeout limits the wait until Rehome is at rest.
const restTimeout = 2 * time.Minute

// serverEnv is an API server on which the policy and Rehome are compared.
type serverEnv struct {
	bench.Options
	size
	client client.Client
	rehome *apiserver.Installation
	// common is the shape that nearly every cluster has.
	common *differential.Case
}

// runOnAPIServer measures the rows that need no KubeBlocks.
func runOnAPIServer(ctx context.Context, o bench.Options, n size, shapes []differential.Shape) (rows []table.Row, err error) {
	o.Stepf("alternatives: start an API server")
	server, err := apiserver.Start()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	e := &serverEnv{Options: o, size: n}
	if err := e.setUp(ctx, server, shapes[0]); err != nil {
		return nil, err
	}
	existing, err := e.existingClusters(ctx) // First: it installs the policy.
	if err != nil {
		return nil, err
	}
	byShape, err := e.compareShapes(ctx, shapes)
	return append(existing, byShape...), err
}

func (e *serverEnv) setUp(ctx context.Context, server *apiserver.Server, common differential.Shape) (err error) {
	if e.client, err = client.New(server.Config(), client.Options{}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	if e.rehome, err = server.InstallRehome(ctx); err != nil {
		return err
	}
	e.common, err = caseOf(common)
	return err
}

// withRehome calls a function while Rehome runs and is at rest.
func (e *serverEnv) withRehome(ctx context.Context, call func() error) (err error) {
	program, err := e.rehome.Start(ctx, e.Rehome)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, program.Stop()) }()
	if _, err := program.Await(ctx, apiserver.Synced, restTimeout); err != nil {
		return err
	}
	if err := program.AwaitRest(ctx, e.rest, restTimeout); err != nil {
		return err
	}
	return call()
}
