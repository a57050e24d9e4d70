package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// workers is how many Clusters are reconciled at once. A reconcile mostly waits for the API server.
const workers = 8

// batchPeriod is how long changes are batched before the Cluster is reconciled. Clusters, Restores and Pods change in bursts, a
// reconcile takes a dozen requests, and in the middle of a burst nothing can be done or is worth reporting.
const batchPeriod = 250 * time.Millisecond

// SetupWithManager registers the reconciler. A Cluster is reconciled when it, its Components, Restores or InstanceSets, its
// Pending Pods, its Rehoming or the mode of its Namespace change.
func (r *ClusterReconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	if err := AddIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	// Of the status of a Cluster or a Component only the progress of a restore matters, and the rest changes often.
	specOrMeta := predicate.Or(
		predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}, predicate.LabelChangedPredicate{})
	err := ctrl.NewControllerManagedBy(mgr).
		Named("rehome-cluster").
		// A standby warms its caches, so that a new leader acts at once.
		WithOptions(controller.Options{MaxConcurrentReconciles: workers, EnableWarmup: ptr.To(true), NewQueue: newQueue}).
		For(&kubeblocks.Cluster{}, builder.WithPredicates(withoutUpdates)).
		Watches(&kubeblocks.Cluster{}, batched(sameName), builder.WithPredicates(onlyUpdates, predicate.Or(specOrMeta, restoreProgressed))).
		Watches(&kubeblocks.Component{}, handler.EnqueueRequestsFromMapFunc(labelledCluster), builder.WithPredicates(specOrMeta)).
		Watches(&kubeblocks.Restore{}, batched(labelledCluster), builder.WithPredicates(ignoreOwnStatusUpdates)).
		Watches(&corev1.Pod{}, batched(labelledCluster)).
		// A Pending database Pod is re-created when its InstanceSet has the rewritten rules. No Pod changes then.
		WatchesMetadata(&kubeblocks.InstanceSet{}, handler.EnqueueRequestsFromMapFunc(labelledCluster), builder.WithPredicates(specOrMeta)).
		WatchesMetadata(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.clustersIn),
			builder.WithPredicates(predicate.AnnotationChangedPredicate{})).
		Watches(&v1alpha1.Rehoming{}, batched(sameName), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Complete(r)
	if err != nil {
		return fmt.Errorf("set up the cluster controller: %w", err)
	}
	return nil
}

// labelledCluster maps an object to the Cluster in its instance label. Ownership is verified in observe.
func labelledCluster(_ context.Context, obj client.Object) []reconcile.Request {
	name := obj.GetLabels()[kubeblocks.LabelInstance]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: obj.GetNamespace(), Name: name}}}
}

// sameName maps a Cluster, or a Rehoming, to the Cluster of that name.
func sameName(_ context.Context, obj client.Object) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: client.ObjectKeyFromObject(obj)}}
}

// clustersIn maps a Namespace to its Clusters. An error of the list is ignored: it comes from the cache, which logs it.
func (r *ClusterReconciler) clustersIn(ctx context.Context, namespace client.Object) []reconcile.Request {
	var clusters kubeblocks.ClusterList
	if err := r.Client.List(ctx, &clusters, client.InNamespace(namespace.GetName())); err != nil {
		return nil
	}
	requests := make([]reconcile.Request, 0, len(clusters.Items))
	for i := range clusters.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&clusters.Items[i])})
	}
	return requests
}

type workqueueOf = workqueue.TypedRateLimitingInterface[reconcile.Request]

// batched enqueues the Clusters of an object batchPeriod after the first change of a burst. The initial list is no change: all
// Clusters are reconciled at the start.
func batched(clusters handler.MapFunc) handler.EventHandler {
	enqueue := func(ctx context.Context, q workqueueOf, obj client.Object) {
		for _, request := range clusters(ctx, obj) {
			q.AddAfter(request, batchPeriod)
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q workqueueOf) {
			if !e.IsInInitialList {
				enqueue(ctx, q, e.Object)
			}
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q workqueueOf) {
			enqueue(ctx, q, e.ObjectOld)
			enqueue(ctx, q, e.ObjectNew)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q workqueueOf) { enqueue(ctx, q, e.Object) },
	}
}

// onlyUpdates passes updates only, withoutUpdates all other events.
var (
	onlyUpdates    = predicate.Funcs{CreateFunc: not[event.CreateEvent], DeleteFunc: not[event.DeleteEvent], GenericFunc: not[event.GenericEvent]}
	withoutUpdates = predicate.Funcs{UpdateFunc: not[event.UpdateEvent]}
)

func not[T any](T) bool { return false }

// ignoreOwnStatusUpdates ignores updates of Restores that changed nothing but Rehome's conditions, and removed none of them.
var ignoreOwnStatusUpdates = predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
	before, ok := e.ObjectOld.(*kubeblocks.Restore)
	now, alsoOK := e.ObjectNew.(*kubeblocks.Restore)
	return !ok || !alsoOK || !hasOwnConditions(now) || !equality.Semantic.DeepEqual(withoutOwnConditions(before), withoutOwnConditions(now))
}}

// restoreProgressed passes updates of Clusters whose condition Restore changed.
var restoreProgressed = predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
	before, ok := e.ObjectOld.(*kubeblocks.Cluster)
	now, alsoOK := e.ObjectNew.(*kubeblocks.Cluster)
	return ok && alsoOK && progressOf(before) != progressOf(now)
}}

var ownConditions = []string{v1alpha1.ConditionPolicyRehomed, v1alpha1.ConditionPodsScheduled}

// hasOwnConditions reports whether a Restore has all of Rehome's conditions.
func hasOwnConditions(r *kubeblocks.Restore) bool {
	return !slices.ContainsFunc(ownConditions, func(t string) bool { return meta.FindStatusCondition(r.Status.Conditions, t) == nil })
}

// withoutOwnConditions returns a Restore without Rehome's conditions, and without the fields that every write changes.
func withoutOwnConditions(r *kubeblocks.Restore) *kubeblocks.Restore {
	rest := r.DeepCopy()
	rest.ResourceVersion, rest.ManagedFields = "", nil
	rest.Status.Conditions = slices.DeleteFunc(rest.Status.Conditions, func(c metav1.Condition) bool { return slices.Contains(ownConditions, c.Type) })
	return rest
}
