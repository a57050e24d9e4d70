package operator

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/featuregate"
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
	"github.com/rehome-operator/rehome/pkg/features"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// engine makes the managers in which the reconcilers run.
type engine struct {
	config   *rest.Config
	settings *configv1alpha1.Configuration
	gates    featuregate.FeatureGate
	metrics  *controllers.Metrics
}

// run runs a manager for what is served until the context ends. It calls ready when the caches have synced; to act, it may
// have to wait for its turn as the leader even then.
func (e engine) run(ctx context.Context, now served, ready func()) error {
	mgr, err := ctrl.NewManager(e.config, e.options(now))
	if err != nil {
		return fmt.Errorf("create the manager of %s: %w", now.apps, err)
	}
	reconciler := &controllers.ClusterReconciler{
		Client:       client.WithFieldOwner(mgr.GetClient(), string(controllers.FieldOwner)),
		Metadata:     mgr.GetAPIReader(),
		PendingPods:  mgr.GetCache(),
		Recorder:     mgr.GetEventRecorder("rehome"),
		Clock:        clock.RealClock{},
		Apps:         now.apps,
		Rehomings:    now.rehomings,
		RecreatePods: e.gates.Enabled(features.RecreatePods),
		Config:       *e.settings,
		Metrics:      e.metrics,
	}
	defer e.metrics.Attach(reconciler, mgr.Elected())()
	if err := reconciler.SetupWithManager(ctx, mgr); err != nil {
		return err
	}
	if err := mgr.Add(whenSynced{mgr.GetCache(), ready}); err != nil {
		return fmt.Errorf("add to the manager: %w", err)
	}
	ctrl.Log.Info("Starting", "clusters", now.apps.String(), "rehomings", now.rehomings)
	return mgr.Start(ctx)
}

// whenSynced calls a function when the caches hold what the API server does.
type whenSynced struct {
	cache cache.Cache
	ready func()
}

var _ manager.LeaderElectionRunnable = whenSynced{}

// NeedLeaderElection says that a manager is ready before it leads.
func (whenSynced) NeedLeaderElection() bool { return false }

// Start waits for the caches.
func (w whenSynced) Start(ctx context.Context) error {
	if w.cache.WaitForCacheSync(ctx) {
		w.ready()
	}
	return nil
}

// leaseName is the name of the lease that the manager which acts holds.
const leaseName = "rehome.kubeblocks.io"

// A create cannot be restricted to a name. The events tell who leads.
//
// +kubebuilder:rbac:roleName=rehome-leader-election,namespace=rehome-system,groups=coordination.k8s.io,resources=leases,verbs=create
// +kubebuilder:rbac:roleName=rehome-leader-election,namespace=rehome-system,groups=coordination.k8s.io,resources=leases,resourceNames=rehome.kubeblocks.io,verbs=get;update
// +kubebuilder:rbac:roleName=rehome-leader-election,namespace=rehome-system,groups="",resources=events,verbs=create

func (e engine) options(now served) ctrl.Options {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	kubeblocks.AddToScheme(scheme, now.apps)
	v1alpha1.AddToScheme(scheme)
	options := ctrl.Options{
		Scheme:                  scheme,
		Metrics:                 metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress:  "0",
		LeaderElection:          e.settings.LeaderElection.Enabled,
		LeaderElectionID:        leaseName,
		LeaderElectionNamespace: e.settings.LeaderElection.Namespace,
		// A leader that stops lets the next one begin at once.
		LeaderElectionReleaseOnCancel: true,
		// A second manager in one process has a controller of the same name.
		Controller: ctrlconfig.Controller{SkipNameValidation: ptr.To(true)},
		Cache: cache.Options{
			DefaultTransform: cache.TransformStripManagedFields(),
			ByObject:         controllers.CacheByObject(),
		},
		Client: client.Options{Cache: &client.CacheOptions{DisableFor: controllers.Uncached()}},
	}
	for _, namespace := range e.settings.WatchNamespaces {
		if options.Cache.DefaultNamespaces == nil {
			options.Cache.DefaultNamespaces = map[string]cache.Config{}
		}
		options.Cache.DefaultNamespaces[namespace] = cache.Config{}
	}
	return options
}
