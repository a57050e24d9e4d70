package controllers

import (
	"context"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// settleTime is how long changes are gathered before the Cluster is looked at. Restores and their Pods change in bursts, a look takes
// a dozen requests, and in the middle of a burst there is nothing to do and nothing worth saying.
const settleTime = 250 * time.Millisecond

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// settled enqueues the Cluster that an object is labelled with, settleTime after the first change of a burst. What is there at the
// start is no change: all Clusters are looked at then.
func settled() handler.EventHandler {
	enqueue := func(ctx context.Context, q queue, obj client.Object) {
		for _, request := range clusterOf(ctx, obj) {
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
