// Package scale measures Rehome with many restored Clusters that need no action: its memory, its requests while idle, and its time from
// start to the first decision.
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
	// syncTimeout limits the wait until a program's caches have synced.
	syncTimeout = 5 * time.Minute
	// restTimeout limits the wait until a program is at rest.
	restTimeout = 10 * time.Minute
)

type size struct {
	namespaces int
	// few and many are numbers of restored Clusters. The Pods of all many Clusters exist from the beginning.
	few, many int
	// backups is the number of Backups that nothing is restored from.
	backups int
	// rounds is how often each start is timed.
	rounds int
	// rest is how long a program must be idle to count as at rest, window how long its requests are then counted.
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

// env is an API server with clusters.
type env struct {
	bench.Options
	size
	templates
	server          *apiserver.Server
	client          client.Client
	store           *clientv3.Client
	rehome          *apiserver.Installation
	adminKubeconfig string
}

// Run is a bench.Benchmark. All of it uses one API server, to which objects are added.
func Run(ctx context.Context, o bench.Options) (rows []table.Row, err error) {
	e := &env{Options: o, size: full}
	if o.Smoke {
		e.size = smoke
	}
	o.Stepf("scale: start an API server")
	if e.server, err = apiserver.Start(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.server.Stop()) }()
	if e.store, err = e.server.Store(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(e.store.Close(), err) }()
	if err := e.setUp(ctx); err != nil {
		return nil, err
	}
	for _, measure := range []func(context.Context) ([]table.Row, error){e.measureFew, e.measureMany} {
		more, err := measure(ctx)
		rows = append(rows, more...)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

func (e *env) setUp(ctx context.Context) (err error) {
	if e.client, err = client.New(e.server.Config(), client.Options{}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	if e.adminKubeconfig, err = e.server.Kubeconfig(); err != nil {
		return err
	}
	if e.rehome, err = e.server.InstallRehome(ctx); err != nil {
		return err
	}
	if err := e.createOriginals(ctx); err != nil {
		return err
	}
	if err := e.reportTemplate(ctx); err != nil {
		return err
	}
	return e.readTemplates(ctx)
}

// startFunc starts a measured program.
type startFunc func(context.Context) (*apiserver.Program, error)

func (e *env) startRehome(ctx context.Context) (*apiserver.Program, error) {
	return e.rehome.Start(ctx, e.Rehome)
}

func (e *env) startWithoutWatchList(ctx context.Context) (*apiserver.Program, error) {
	return e.rehome.StartWithoutWatchList(ctx, e.Rehome)
}

func (e *env) startWithLeaderElection(ctx context.Context) (*apiserver.Program, error) {
	return e.rehome.StartWithLeaderElection(ctx, e.Rehome)
}

func (e *env) startPlain(ctx context.Context) (*apiserver.Program, error) {
	return e.startCommand(ctx, plainName, plainSynced)
}

func (e *env) startList(ctx context.Context) (*apiserver.Program, error) {
	return e.startCommand(ctx, listName, listDone)
}

func (e *env) startCommand(ctx context.Context, name, text string) (*apiserver.Program, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return apiserver.Run(ctx, e.adminKubeconfig, []string{text}, self, name)
}

// startAtRest starts a program, and waits until it writes a text and then is at rest.
func (e *env) startAtRest(ctx context.Context, start startFunc, text string) (*apiserver.Program, error) {
	program, err := start(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := program.Await(ctx, text, syncTimeout); err != nil {
		return nil, errors.Join(err, program.Stop())
	}
	if err := program.AwaitRest(ctx, e.rest, restTimeout); err != nil {
		return nil, errors.Join(err, program.Stop())
	}
	return program, nil
}

// reportTemplate runs Rehome until it has reported on the original cluster, so that its copies need no report.
func (e *env) reportTemplate(ctx context.Context) error {
	e.Stepf("scale: let Rehome report on the first cluster")
	program, err := e.startAtRest(ctx, e.startRehome, apiserver.Synced)
	if err != nil {
		return err
	}
	return program.Stop()
}
