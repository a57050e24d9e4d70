package operator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/metrics"
)

// errEnded ends the servers when the manager has ended without an error.
var errEnded = errors.New("the manager has ended")

// gcPercent is how much Go's garbage collector lets the heap grow beyond what is used. Most of it is the cache, which changes little.
const gcPercent = 50

// saveMemory sets gcPercent, unless the environment sets another.
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// Run runs the operator. It returns nil when the context ends, or when what the API server serves has changed for good, and an
// error when the operator cannot go on, such as one that lost its lease.
func Run(ctx context.Context, cfg *rest.Config, settings *configv1alpha1.Configuration, m *metrics.Metrics) error {
	saveMemory()
	m.SetMode(settings.Mode)
	h := &health{address: settings.Health.BindAddress, observe: m.SetReady, reason: "starting"}
	scrapes, err := newMetricsServer(cfg, settings)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return h.Start(ctx) })
	if scrapes != nil {
		group.Go(func() error { return scrapes.Start(ctx) })
	}
	group.Go(func() error {
		now, err := awaitServed(ctx, cfg, h, m)
		if err != nil {
			return err
		}
		if err := runManager(ctx, cfg, settings, m, h, now); err != nil {
			return err
		}
		return errEnded
	})
	if err := group.Wait(); !errors.Is(err, errEnded) && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// +kubebuilder:rbac:roleName=rehome-metrics-auth,groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:roleName=rehome-metrics-auth,groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// newMetricsServer returns the server of /metrics, or nil where none is wanted. It does not belong to the manager, because metrics
// are served while the operator waits for KubeBlocks, too.
func newMetricsServer(cfg *rest.Config, settings *configv1alpha1.Configuration) (metricsserver.Server, error) {
	options := metricsserver.Options{BindAddress: settings.Metrics.BindAddress}
	if !settings.Metrics.Insecure {
		options.SecureServing = true
		options.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	httpClient, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the API server: %w", err)
	}
	server, err := metricsserver.NewServer(options, cfg, httpClient)
	if err != nil {
		return nil, fmt.Errorf("serve metrics: %w", err)
	}
	return server, nil
}

// servedInterval is how often the API server is asked what it serves while KubeBlocks is not installed.
const servedInterval = 3 * time.Second

// awaitServed returns what the API server serves once that is enough. Without KubeBlocks the process is ready, so that Rehome can
// be installed first. Without Rehome's own kind it is not.
func awaitServed(ctx context.Context, cfg *rest.Config, h *health, m *metrics.Metrics) (kubeblocks.Served, error) {
	var logged string
	for {
		now, err := discover(cfg)
		if err == nil {
			m.SetServed(true)
			return now, nil
		}
		if errors.Is(err, kubeblocks.ErrNotInstalled) {
			h.ready()
		} else {
			h.notReadyf("%s", err)
		}
		if reason := err.Error(); reason != logged {
			logged = reason
			ctrl.Log.Info("Waiting for KubeBlocks", "reason", reason)
		}
		if err := sleep(ctx, servedInterval); err != nil {
			return kubeblocks.Served{}, err
		}
	}
}

// sleep returns after a while, or with an error when the context ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
