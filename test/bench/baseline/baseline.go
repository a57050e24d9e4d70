// Package baseline unblocks restores with the fewest requests. Its patch is fixed in the code, so it works only for Clusters with one
// component and the rules of fixture's sources. It watches what Rehome watches, reads only its cache, and sends the two writes that a
// restore needs. It records no attempts and reports nothing.
package baseline

import (
	"context"
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/controllers"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// Workers is the number of concurrent reconciles, the same as Rehome's.
const Workers = 8

// Addresses are the process's listen addresses.
type Addresses struct{ Probes, Metrics string }

// Run unblocks restores until the context ends.
func Run(ctx context.Context, config *rest.Config, serve Addresses) error {
	mgr, err := ctrl.NewManager(config, options(serve))
	if err != nil {
		return fmt.Errorf("create the manager: %w", err)
	}
	synced := func(request *http.Request) error {
		mgr.GetCache().WaitForCacheSync(request.Context()) // Returns early when the request is cancelled.
		return nil
	}
	if err := mgr.AddReadyzCheck("synced", synced); err != nil {
		return fmt.Errorf("serve the probe: %w", err)
	}
	if err := setUp(ctx, mgr); err != nil {
		return fmt.Errorf("set up the controller: %w", err)
	}
	return mgr.Start(ctx)
}

func options(serve Addresses) ctrl.Options {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	kubeblocks.AddToScheme(scheme, kubeblocks.AppsV1)
	v1alpha1.AddToScheme(scheme)
	return ctrl.Options{
		Scheme:                 scheme,
		HealthProbeBindAddress: serve.Probes,
		Metrics:                metricsserver.Options{BindAddress: serve.Metrics},
		Controller:             ctrlconfig.Controller{MaxConcurrentReconciles: Workers},
		Cache:                  cache.Options{DefaultTransform: cache.TransformStripManagedFields(), ByObject: controllers.CacheByObject()},
	}
}

func setUp(ctx context.Context, mgr ctrl.Manager) error {
	if err := controllers.AddIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	r := reconciler{mgr.GetClient()}
	changed := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	return ctrl.NewControllerManagedBy(mgr).
		Named("baseline").
		For(&kubeblocks.Cluster{}, changed).
		Watches(&kubeblocks.Component{}, handler.EnqueueRequestsFromMapFunc(clusterOf), changed).
		Watches(&kubeblocks.Restore{}, handler.EnqueueRequestsFromMapFunc(clusterOf), changed).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(clusterOf)).
		WatchesMetadata(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.clustersIn),
			builder.WithPredicates(predicate.AnnotationChangedPredicate{})).
		Complete(r)
}

func clusterOf(_ context.Context, obj client.Object) []reconcile.Request {
	name := obj.GetLabels()[kubeblocks.LabelInstance]
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: obj.GetNamespace(), Name: name}}}
}

// clustersIn maps a Namespace to its Clusters.
func (r reconciler) clustersIn(ctx context.Context, namespace client.Object) []reconcile.Request {
	var clusters kubeblocks.ClusterList
	if err := r.List(ctx, &clusters, client.InNamespace(namespace.GetName())); err != nil {
		return nil // As Rehome does.
	}
	requests := make([]reconcile.Request, 0, len(clusters.Items))
	for i := range clusters.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&clusters.Items[i])})
	}
	return requests
}

func (r reconciler) namespaceOf(ctx context.Context, obj client.Object) (*metav1.PartialObjectMetadata, error) {
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	return namespace, r.Get(ctx, types.NamespacedName{Name: obj.GetNamespace()}, namespace)
}
