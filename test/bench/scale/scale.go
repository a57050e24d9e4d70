// Package scale measures Rehome beside many clusters that were restored and need nothing: its memory, what it asks of the API server
// while nothing happens, and how soon after its start it decides.
package scale

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/test/bench/apiserver"
	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
)

const (
	// syncTimeout bounds the time until a program has read what it caches.
	syncTimeout = 5 * time.Minute
	// restTimeout bounds the time until it has looked at all of it.
	restTimeout = 10 * time.Minute
)

// size is how much is measured.
type size struct {
	namespaces int
	// few and many are numbers of restored clusters. Each has as many Pods as replicas says, and there are the Pods of many from the
	// beginning.
	few, many int
	// backups are there that nothing is restored from.
	backups int
	// rounds is how often a start is timed.
	rounds int
	// rest is how long a program has to do next to nothing to be at rest, window how long it is watched then.
	rest, window time.Duration
}

var (
	full = size{
		namespaces: 100, few: 1_000, many: 10_000, backups: 10_000, rounds: 3, rest: 3 * time.Second, window: time.Minute,
	}
	smoke = size{
		namespaces: 2, few: 10, many: 20, backups: 20, rounds: 1, rest: 500 * time.Millisecond, window: 3 * time.Second,
	}
)

// rig is an API server with clusters, and what runs against it.
type rig struct {
	bench.Options
	size
	found
	server *apiserver.Server
	client client.Client
	store  *clientv3.Client
	rehome *apiserver.Installation
	// admin is the path of an administrator's kubeconfig.
	admin string
}

// Run measures all of it, on one API server that fills up.
func Run(ctx context.Context, o bench.Options) (rows []table.Row, err error) {
	r := &rig{Options: o, size: full}
	if o.Smoke {
		r.size = smoke
	}
	o.Stepf("scale: start an API server")
	if r.server, err = apiserver.Start(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.server.Stop()) }()
	if r.store, err = r.server.Store(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(r.store.Close(), err) }()
	if err := r.setUp(ctx); err != nil {
		return nil, err
	}
	for _, measure := range []func(context.Context) ([]table.Row, error){r.withFew, r.withMany} {
		more, err := measure(ctx)
		rows = append(rows, more...)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

func (r *rig) setUp(ctx context.Context) (err error) {
	if r.client, err = client.New(r.server.Config(), client.Options{}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	if r.admin, err = r.server.Kubeconfig(); err != nil {
		return err
	}
	if r.rehome, err = r.server.InstallRehome(ctx); err != nil {
		return err
	}
	if err := r.createOriginals(ctx); err != nil {
		return err
	}
	if err := r.firstPass(ctx); err != nil {
		return err
	}
	return r.readAll(ctx)
}

// start starts a program that is measured.
type start func(context.Context) (*apiserver.Program, error)

func (r *rig) startRehome(ctx context.Context) (*apiserver.Program, error) {
	return r.rehome.Start(ctx, r.Rehome)
}

func (r *rig) startListing(ctx context.Context) (*apiserver.Program, error) {
	return r.rehome.StartListing(ctx, r.Rehome)
}

func (r *rig) startElected(ctx context.Context) (*apiserver.Program, error) {
	return r.rehome.StartElected(ctx, r.Rehome)
}

func (r *rig) startPlain(ctx context.Context) (*apiserver.Program, error) {
	return r.startOther(ctx, plainName, plainSynced)
}

func (r *rig) startList(ctx context.Context) (*apiserver.Program, error) {
	return r.startOther(ctx, listName, listDone)
}

// startOther starts one of the programs beside Rehome. They are this program.
func (r *rig) startOther(ctx context.Context, name, text string) (*apiserver.Program, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return apiserver.Run(ctx, r.admin, []string{text}, self, name)
}

// startAtRest starts a program, and returns when it has read what it caches, which it tells by a text, and done all there is to do.
func (r *rig) startAtRest(ctx context.Context, begin start, synced string) (*apiserver.Program, error) {
	program, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := program.Await(ctx, synced, syncTimeout); err != nil {
		return nil, errors.Join(err, program.Stop())
	}
	if err := program.AwaitRest(ctx, r.rest, restTimeout); err != nil {
		return nil, errors.Join(err, program.Stop())
	}
	return program, nil
}

// firstPass has Rehome report on the cluster that all others are copies of: a copy needs no report.
func (r *rig) firstPass(ctx context.Context) error {
	r.Stepf("scale: have Rehome report on a cluster")
	program, err := r.startAtRest(ctx, r.startRehome, apiserver.Synced)
	if err != nil {
		return err
	}
	return program.Stop()
}
