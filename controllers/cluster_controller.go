// Package controllers holds the reconcilers: they read, ask the pure packages what to do, do it, and report.
package controllers

import (
	"context"
	"errors"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// +kubebuilder:rbac:groups=apps.kubeblocks.io,resources=clusters,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=apps.kubeblocks.io,resources=components,verbs=get;list;watch
// +kubebuilder:rbac:groups=dataprotection.kubeblocks.io,resources=backups,verbs=get
// +kubebuilder:rbac:groups=dataprotection.kubeblocks.io,resources=restores,verbs=get;list;watch;delete
// +kubebuilder:rbac:groups=dataprotection.kubeblocks.io,resources=restores/status,verbs=patch
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=list
// +kubebuilder:rbac:groups="",resources=pods,verbs=list
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=get;create;update

// ClusterReconciler gives restored Clusters a new home: it rewrites the rules they inherited from their source, unblocks
// the Restores that still carry the old ones, and says so on each Restore.
type ClusterReconciler struct {
	// Client reads Clusters, Components and Restores from a cache, Backups, Jobs and Pods from the API server.
	Client   client.Client
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	// Apps is the version through which Clusters are read and written.
	Apps schema.GroupVersion
	// Options are what the site decided about rewrites.
	Options rewrite.Options
}

// Uncached lists the kinds that a ClusterReconciler's Client must read from the API server: a decision to delete is made on
// what is there now, and no Backup is worth the memory its snapshot takes.
func Uncached() []client.Object {
	return []client.Object{&kubeblocks.Backup{}, &batchv1.Job{}, &corev1.Pod{}}
}

// SetupWithManager registers the reconciler. Whatever happens to a Cluster, its Components or its Restores, is a reason to
// look at the Cluster again.
func (r *ClusterReconciler) SetupWithManager(mgr ctrl.Manager) error {
	err := ctrl.NewControllerManagedBy(mgr).
		Named("cluster").
		For(&kubeblocks.Cluster{}).
		Watches(&kubeblocks.Component{}, handler.EnqueueRequestsFromMapFunc(clusterOf)).
		Watches(&kubeblocks.Restore{}, handler.EnqueueRequestsFromMapFunc(clusterOf)).
		Complete(r)
	if err != nil {
		return fmt.Errorf("set up the cluster controller: %w", err)
	}
	return nil
}

// clusterOf names the Cluster that an object is labelled with. Whether the object really is the Cluster's is for observe.
func clusterOf(_ context.Context, obj client.Object) []reconcile.Request {
	name := obj.GetLabels()[kubeblocks.LabelInstance]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: obj.GetNamespace(), Name: name}}}
}

// Reconcile observes one Cluster, decides, takes the first action that is due and reports. Every action changes an object
// that is watched, so the next action follows from the event of the last.
func (r *ClusterReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	scene, err := r.observe(ctx, req.NamespacedName)
	if err != nil || scene == nil {
		return ctrl.Result{}, err
	}
	plan := remedy.Decide(scene.observation)
	var failed error
	if len(plan.Actions) > 0 {
		if failed = r.act(ctx, scene, plan.Actions[0]); patch.IsStale(failed) {
			return again(failed)
		}
	}
	// An action that is refused is no reason to keep quiet.
	return again(errors.Join(failed, r.report(ctx, scene, plan)))
}
