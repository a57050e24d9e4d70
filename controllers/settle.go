package controllers

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// settleTime is how long changes are gathered before the Cluster is looked at. Clusters, Restores and Pods change in bursts, a
// look takes a dozen requests, and in the middle of a burst there is nothing to do and nothing worth saying.
const settleTime = 250 * time.Millisecond

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// settled enqueues the Clusters that an object is about, settleTime after the first change of a burst. What is there at the start is
// no change: all Clusters are looked at then.
func settled(clusters handler.MapFunc) handler.EventHandler {
	enqueue := func(ctx context.Context, q queue, obj client.Object) {
		for _, request := range clusters(ctx, obj) {
			q.AddAfter(request, settleTime)
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) {
			if !e.IsInInitialList {
				enqueue(ctx, q, e.Object)
			}
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			enqueue(ctx, q, e.ObjectOld)
			enqueue(ctx, q, e.ObjectNew)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { enqueue(ctx, q, e.Object) },
	}
}

// onlyUpdates drops all events but updates, withoutUpdates drops those.
var (
	onlyUpdates    = predicate.Funcs{CreateFunc: not[event.CreateEvent], DeleteFunc: not[event.DeleteEvent], GenericFunc: not[event.GenericEvent]}
	withoutUpdates = predicate.Funcs{UpdateFunc: not[event.UpdateEvent]}
)

func not[T any](T) bool { return false }

// notOurReport drops updates of Restores in which nothing changed but Rehome's conditions, and none of these went: that was Rehome.
var notOurReport = predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
	before, ok := e.ObjectOld.(*kubeblocks.Restore)
	now, alsoOK := e.ObjectNew.(*kubeblocks.Restore)
	return !ok || !alsoOK || !hasReport(now) || !equality.Semantic.DeepEqual(withoutReport(before), withoutReport(now))
}}

var conditionTypes = []string{v1alpha1.ConditionPolicyRehomed, v1alpha1.ConditionPodsScheduled}

// hasReport reports whether a Restore has all of Rehome's conditions.
func hasReport(r *kubeblocks.Restore) bool {
	return !slices.ContainsFunc(conditionTypes, func(t string) bool { return meta.FindStatusCondition(r.Status.Conditions, t) == nil })
}

// withoutReport returns a Restore without Rehome's conditions, and without what every write changes.
func withoutReport(r *kubeblocks.Restore) *kubeblocks.Restore {
	rest := r.DeepCopy()
	rest.ResourceVersion, rest.ManagedFields = "", nil
	rest.Status.Conditions = slices.DeleteFunc(rest.Status.Conditions, func(c metav1.Condition) bool { return slices.Contains(conditionTypes, c.Type) })
	return rest
}
