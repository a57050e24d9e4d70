package operator

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/controllers"
	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/metrics"
)

// runManager runs the manager until the context ends, or until what is served changes for good.
func runManager(ctx context.Context, cfg *rest.Config, settings *configv1alpha1.Configuration, m *metrics.Metrics, h *health, now kubeblocks.Served) error {
	process := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	mgr, err := ctrl.NewManager(cfg, managerOptions(settings, now))
	if err != nil {
		return fmt.Errorf("create the manager of %s: %w", now.Apps, err)
	}
	reconciler := &controllers.ClusterReconciler{
		Client:    client.WithFieldOwner(mgr.GetClient(), string(controllers.FieldOwner)),
		APIReader: mgr.GetAPIReader(),
		Recorder:  mgr.GetEventRecorder("rehome"),
		Clock:     clock.RealClock{},
		Served:    now,
		Config:    *settings,
		Metrics:   m,
		Attempts:  &attempts.Log{},
	}
	m.Lead(reconciler.BreakerOpen, mgr.Elected())
	if err := reconciler.SetupWithManager(ctx, mgr); err != nil {
		return err
	}
	defer h.watch(reconciler.Stuck)()
	admission, err := newWebhook(mgr, settings, now, m)
	if err != nil {
		return err
	}
	if err := addBackups(mgr, settings, now, m); err != nil {
		return err
	}
	h.notReadyf(readingCache)
	for _, runnable := range []manager.Runnable{
		whenSynced{mgr.GetCache(), admission.trusted(), h},
		&servedWatch{config: cfg, cache: mgr.GetCache(), now: now, changed: make(chan struct{}, 1), end: cancel},
	} {
		if err := mgr.Add(runnable); err != nil {
			return fmt.Errorf("add to the manager: %w", err)
		}
	}
	ctrl.Log.Info("Starting the manager", "clusters", now.Apps.String())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return admission.run(ctx, process) })
	group.Go(func() error {
		defer cancel()
		return mgr.Start(ctx)
	})
	return group.Wait()
}

// whenSynced makes the operator ready when the caches have synced and API servers trust the webhook's certificate.
type whenSynced struct {
	cache   cache.Cache
	trusted <-chan struct{}
	health  *health
}

var _ manager.LeaderElectionRunnable = whenSynced{}

// NeedLeaderElection says that a manager is ready before it leads.
func (whenSynced) NeedLeaderElection() bool { return false }

// Start waits for the caches and the certificate.
func (w whenSynced) Start(ctx context.Context) error {
	if !w.cache.WaitForCacheSync(ctx) {
		return nil
	}
	w.health.notReadyf(publishing)
	select {
	case <-ctx.Done():
	case <-w.trusted:
		w.health.ready()
	}
	return nil
}

// leaseName is the name of the lease that the manager which acts holds.
const leaseName = "rehome.kubeblocks.io"

// A create cannot be restricted to a name. The events say who leads.
//
// +kubebuilder:rbac:roleName=rehome-leader-election,namespace=rehome-system,groups=coordination.k8s.io,resources=leases,verbs=create
// +kubebuilder:rbac:roleName=rehome-leader-election,namespace=rehome-system,groups=coordination.k8s.io,resources=leases,resourceNames=rehome.kubeblocks.io,verbs=get;update
// +kubebuilder:rbac:roleName=rehome-leader-election,namespace=rehome-system,groups="",resources=events,verbs=create

func managerOptions(settings *configv1alpha1.Configuration, now kubeblocks.Served) ctrl.Options {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(apiextensionsv1.AddToScheme(scheme))
	kubeblocks.AddToScheme(scheme, now.Apps)
	v1alpha1.AddToScheme(scheme)
	byObject := controllers.CacheByObject()
	// Definitions have no namespace and can be large, and all that matters of one is that it changed.
	byObject[definitionMetadata()] = cache.ByObject{Transform: stripDefinition}
	options := ctrl.Options{
		Scheme:                  scheme,
		Metrics:                 metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress:  "0",
		LeaderElection:          settings.LeaderElection.Enabled,
		LeaderElectionID:        leaseName,
		LeaderElectionNamespace: settings.LeaderElection.Namespace,
		// A leader that stops lets the next one begin at once.
		LeaderElectionReleaseOnCancel: true,
		// A test runs the operator more than once in a process.
		Controller: ctrlconfig.Controller{SkipNameValidation: ptr.To(true)},
		Cache:      cache.Options{DefaultTransform: cache.TransformStripManagedFields(), ByObject: byObject},
	}
	for _, namespace := range settings.WatchNamespaces {
		if options.Cache.DefaultNamespaces == nil {
			options.Cache.DefaultNamespaces = map[string]cache.Config{}
		}
		options.Cache.DefaultNamespaces[namespace] = cache.Config{}
	}
	return options
}

func definitionMetadata() *metav1.PartialObjectMetadata {
	definition := &metav1.PartialObjectMetadata{}
	definition.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	return definition
}

func stripDefinition(obj any) (any, error) {
	if definition, ok := obj.(*metav1.PartialObjectMetadata); ok {
		definition.Annotations, definition.Labels, definition.ManagedFields = nil, nil, nil
	}
	return obj, nil
}
