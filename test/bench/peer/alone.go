package peer

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

// withPolicy and withoutPolicy are the Namespaces in which creates are timed.
const withPolicy, withoutPolicy = "with-policy", "without-policy"

// restTimeout bounds the time until Rehome has done what there is to do.
const restTimeout = 2 * time.Minute

// rig is an API server on which the policy and Rehome are measured.
type rig struct {
	bench.Options
	size
	client client.Client
	rehome *apiserver.Installation
	// common is the shape that nearly every cluster has.
	common *differential.Case
}

// runAlone measures what needs no KubeBlocks.
func runAlone(ctx context.Context, o bench.Options, n size, shapes []differential.Shape) (rows []table.Row, err error) {
	o.Stepf("peer: start an API server")
	server, err := apiserver.Start()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	r := &rig{Options: o, size: n}
	if err := r.setUp(ctx, server, shapes[0]); err != nil {
		return nil, err
	}
	for _, measure := range []func(context.Context) ([]table.Row, error){
		r.earlierClusters, // before all others, who need the policy
		func(ctx context.Context) ([]table.Row, error) { return r.shapes(ctx, shapes) },
		r.latency,
	} {
		more, err := measure(ctx)
		rows = append(rows, more...)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

func (r *rig) setUp(ctx context.Context, server *apiserver.Server, common differential.Shape) (err error) {
	if r.client, err = client.New(server.Config(), client.Options{}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	if r.rehome, err = server.InstallRehome(ctx); err != nil {
		return err
	}
	if r.common, err = trialOf(common); err != nil {
		return err
	}
	if err := r.createHome(ctx, withPolicy, forcing()); err != nil {
		return err
	}
	return r.createHome(ctx, withoutPolicy, nil)
}

// createHome creates a Namespace with the Backup that Clusters are restored from.
func (r *rig) createHome(ctx context.Context, namespace string, labels map[string]string) error {
	if err := createNamespace(ctx, r.client, namespace, labels); err != nil {
		return err
	}
	backup := r.common.Backup.DeepCopy()
	backup.SetNamespace(namespace)
	if err := r.client.Create(ctx, backup); err != nil {
		return fmt.Errorf("create a Backup in Namespace %s: %w", namespace, err)
	}
	return nil
}

// create creates a Cluster of the common shape, and returns how long the API server took.
func (r *rig) create(ctx context.Context, namespace, name string) (time.Duration, error) {
	cluster, err := restoredAs(r.common, namespace, name)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := r.client.Create(ctx, cluster); err != nil {
		return 0, fmt.Errorf("create Cluster %s in Namespace %s: %w", name, namespace, err)
	}
	return time.Since(begin), nil
}

// withRehome calls a function while Rehome runs, after it has done what there was to do.
func (r *rig) withRehome(ctx context.Context, call func() error) (err error) {
	program, err := r.rehome.Start(ctx, r.Rehome)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, program.Stop()) }()
	if _, err := program.Await(ctx, apiserver.Synced, restTimeout); err != nil {
		return err
	}
	if err := program.AwaitRest(ctx, r.rest, restTimeout); err != nil {
		return err
	}
	return call()
}
