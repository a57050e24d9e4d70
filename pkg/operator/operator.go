package operator

import (
	"context"
	"fmt"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/controllers"
	"github.com/rehome-operator/rehome/pkg/features"
)

// Run runs the operator until the context ends, or until it cannot go on.
func Run(ctx context.Context, cfg *rest.Config, settings *configv1alpha1.Configuration, version string) error {
	gates, err := features.New(settings.FeatureGates)
	if err != nil {
		return err
	}
	outer, err := ctrl.NewManager(cfg, outerOptions(settings))
	if err != nil {
		return fmt.Errorf("create the manager: %w", err)
	}
	m := controllers.NewMetrics(metrics.Registry, version)
	h := &health{address: settings.Health.BindAddress, tell: m.SetReady, reason: "starting"}
	s := &supervisor{
		config:  cfg,
		changed: make(chan struct{}, 1),
		health:  h,
		engine:  engine{config: cfg, settings: settings, gates: gates, metrics: m},
	}
	if err := s.watch(ctx, outer.GetCache()); err != nil {
		return err
	}
	for _, r := range []manager.Runnable{h, s} {
		if err := outer.Add(r); err != nil {
			return fmt.Errorf("add to the manager: %w", err)
		}
	}
	return outer.Start(ctx)
}

// +kubebuilder:rbac:roleName=rehome-metrics-auth,groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:roleName=rehome-metrics-auth,groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// outerOptions are those of the manager that serves metrics and watches definitions, whatever is served besides. Definitions
// can be large, and all that matters of one is that it changed.
func outerOptions(settings *configv1alpha1.Configuration) ctrl.Options {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(apiextensionsv1.AddToScheme(scheme))
	options := ctrl.Options{
		Scheme:                 scheme,
		HealthProbeBindAddress: "0",
		Metrics:                metricsserver.Options{BindAddress: settings.Metrics.BindAddress},
		Cache:                  cache.Options{DefaultTransform: stripDefinition},
		Client:                 client.Options{Cache: &client.CacheOptions{}},
	}
	if !settings.Metrics.Insecure && settings.Metrics.BindAddress != "0" {
		options.Metrics.SecureServing = true
		options.Metrics.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return options
}

func stripDefinition(obj any) (any, error) {
	if definition, ok := obj.(*metav1.PartialObjectMetadata); ok {
		definition.Annotations, definition.Labels, definition.ManagedFields = nil, nil, nil
	}
	return obj, nil
}
