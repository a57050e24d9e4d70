package unblock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/yaml"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/controlplane"
)

const (
	tenantsSection = "Hostile tenants"
	// hostileNamespaces is the number of hostile tenants, each with a Namespace and a controller.
	hostileNamespaces = 2
	// slowReconcile is how long a reconcile may take at most. It is a bucket of the histogram.
	slowReconcile = 2.0
)

// tenants is the size of the benchmark.
type tenants struct {
	clusters, nodes, rounds int
	// busy is how long the hostile tenants are at work before the honest one restores.
	busy time.Duration
}

// RunTenants is a bench.Benchmark. It measures how long one stuck restore takes alone, and beside two tenants whose Clusters, Backups and
// Rehomings are made to be slow. The limits are the defaults.
func RunTenants(ctx context.Context, o bench.Options) (rows []table.Row, err error) {
	size := tenants{clusters: 1000, nodes: smokeNodes, rounds: 5, busy: 30 * time.Second}
	if o.Smoke {
		size = tenants{clusters: 20, nodes: smokeNodes, rounds: 1, busy: time.Second}
	}
	started, err := startFake(size.nodes, 1)(ctx)
	if err != nil {
		return nil, err
	}
	e := started.(*fakeEnv)
	defer func() { err = errors.Join(err, e.stop()) }()
	program, err := startWithDefaults(ctx, o, e.plane)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, program.Stop()) }()

	o.Stepf("tenants: one stuck restore alone")
	alone, err := e.cureTimes(ctx, size.rounds, 0)
	if err != nil {
		return nil, err
	}
	o.Stepf("tenants: alone %v; create %d hostile Clusters", alone, size.clusters)
	hostile, err := e.createHostile(ctx, size.clusters)
	if err != nil {
		return nil, err
	}
	working, stopTenants := context.WithCancel(ctx)
	var group errgroup.Group
	defer func() { stopTenants(); err = errors.Join(err, group.Wait()) }()
	for _, t := range hostile {
		group.Go(func() error { return t.work(working) })
	}
	times := tenantTimes{alone: alone}
	o.Stepf("tenants: one stuck restore while Rehome ignores them")
	if times.ignored, err = e.cureTimes(ctx, size.rounds, size.rounds); err != nil {
		return nil, err
	}
	for _, t := range hostile {
		if err := enableOperators(ctx, t.admin, t.namespace); err != nil {
			return nil, err
		}
	}
	if err := pause(ctx, size.busy); err != nil {
		return nil, err
	}
	o.Stepf("tenants: ignored %v; one stuck restore beside them", times.ignored)
	if times.beside, err = e.cureTimes(ctx, size.rounds, 2*size.rounds); err != nil {
		return nil, err
	}
	o.Stepf("tenants: beside %v", times.beside)
	return tenantRows(ctx, size, program, times)
}

// tenantTimes are how long a stuck restore takes without hostile tenants, beside those that Rehome ignores, and beside those that it
// works for.
type tenantTimes struct{ alone, ignored, beside []time.Duration }

// cureTimes returns how long each of some rounds takes, each with one stuck restore in a Namespace of its own.
func (e *fakeEnv) cureTimes(ctx context.Context, rounds, first int) ([]time.Duration, error) {
	var times []time.Duration
	for i := range rounds {
		took, err := e.cureTime(ctx, first+i)
		if err != nil {
			return nil, err
		}
		times = append(times, took)
	}
	return times, nil
}

func (e *fakeEnv) cureTime(ctx context.Context, round int) (time.Duration, error) {
	ns, err := e.newNamespace(ctx, round)
	if err != nil {
		return 0, err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	names := []string{fmt.Sprintf("honest%d", round)}
	t, err := startTracker(watching, e.plane.Config(), ns.name(), names, 1)
	if err != nil {
		return 0, err
	}
	if err := restoreAll(ctx, ns, names); err != nil {
		return 0, err
	}
	if err := t.wait(ctx, roundTimeout, "stuck", isStuck); err != nil {
		return 0, err
	}
	enabled := time.Now()
	if err := ns.enable(ctx); err != nil {
		return 0, err
	}
	if err := t.wait(ctx, roundTimeout, "scheduled", isScheduled); err != nil {
		return 0, err
	}
	took := t.since(enabled).span
	return took, ns.finish(ctx, names)
}

func tenantRows(ctx context.Context, size tenants, program *bench.Program, times tenantTimes) ([]table.Row, error) {
	usage, err := program.Usage()
	if err != nil {
		return nil, err
	}
	count, slow, err := program.Reconciles(ctx, slowReconcile)
	if err != nil {
		return nil, err
	}
	prefix := fmt.Sprintf("1 stuck beside %d hostile Clusters: ", size.clusters)
	return []table.Row{
		{
			Section: tenantsSection, What: prefix + "median", Unit: "ms", Rehome: milliseconds(times.beside, 50),
			Against: "Rehome without them", Other: milliseconds(times.alone, 50), Goal: "ratio <= 2", Note: fmt.Sprintf("samples: %d", size.rounds),
		},
		{
			Section: tenantsSection, What: prefix + "median", Unit: "ms", Rehome: milliseconds(times.beside, 50),
			Against: "Rehome that ignores them", Other: milliseconds(times.ignored, 50), Note: "the rest is the API server's work for them",
		},
		{
			Section: tenantsSection, What: prefix + "slowest", Unit: "ms", Rehome: milliseconds(times.beside, 100),
			Against: "Rehome without them", Other: milliseconds(times.alone, 100),
		},
		{Section: tenantsSection, What: prefix + "peak RSS", Unit: "MiB", Rehome: float64(usage.PeakRSS) / mebibyte, Goal: "< 256"},
		{
			Section: tenantsSection, What: fmt.Sprintf("%sreconciles over %.0f s", prefix, slowReconcile), Rehome: slow, Goal: "0",
			Note: fmt.Sprintf("of %.0f, with %.2f s of CPU each", count, usage.CPU/count),
		},
	}, nil
}

// startWithDefaults starts Rehome with the default configuration, but with metrics by plain HTTP.
func startWithDefaults(ctx context.Context, o bench.Options, plane *controlplane.ControlPlane) (*bench.Program, error) {
	settings := configv1alpha1.Defaults()
	settings.Metrics.Insecure = true
	data, err := yaml.Marshal(settings)
	if err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	config := filepath.Join(filepath.Dir(plane.Kubeconfig()), "rehome-defaults.yaml") // The control plane removes it.
	if err := os.WriteFile(config, data, 0o600); err != nil {
		return nil, err
	}
	return bench.Start(ctx, plane, "rehome", o.Rehome, "manager", "--config="+config)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// halves splits numbers below n between the hostile tenants.
func halves(n int) [][]int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return slices.Collect(slices.Chunk(all, (n+hostileNamespaces-1)/hostileNamespaces))
}
