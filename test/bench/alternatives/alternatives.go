// Package alternatives compares Rehome with what a platform team could use instead: the MutatingAdmissionPolicy of policy.yaml, which
// replaces the instance label in every restored Cluster's rules.
package alternatives

import (
	"context"
	"errors"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/test/bench/apiserver"
	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/e2e/differential"
)

// smokeShapes is the number of shapes of a smoke run.
const smokeShapes = 3

// serverEnv is an API server on which the policy and Rehome are compared.
type serverEnv struct {
	bench.Options
	client client.Client
}

// Run is a bench.Benchmark.
func Run(ctx context.Context, o bench.Options) (rows []table.Row, err error) {
	shapes, err := differential.Shapes()
	if err != nil {
		return nil, err
	}
	if o.Smoke {
		shapes = shapes[:smokeShapes]
	}
	o.Stepf("alternatives: start an API server")
	server, err := apiserver.Start()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	e := &serverEnv{Options: o}
	if e.client, err = client.New(server.Config(), client.Options{}); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	if err := e.installPolicy(ctx, shapes[0]); err != nil {
		return nil, err
	}
	return e.compareShapes(ctx, shapes)
}
