package controllers

import (
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// maxReconcile is how long a reconcile may run. It makes some dozens of requests, each with a timeout.
const maxReconcile = 5 * time.Minute

// running holds the reconciles that have not ended.
type running struct {
	mu    sync.Mutex
	since map[types.NamespacedName]time.Time
}

// begin notes that the reconcile of a Cluster begins, and returns what notes its end.
func (r *running) begin(cluster types.NamespacedName, now time.Time) (end func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.since == nil {
		r.since = map[types.NamespacedName]time.Time{}
	}
	r.since[cluster] = now
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.since, cluster)
	}
}

// oldest returns the reconcile that has run longest.
func (r *running) oldest() (cluster types.NamespacedName, since time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, begun := range r.since {
		if since.IsZero() || begun.Before(since) {
			cluster, since = name, begun
		}
	}
	return cluster, since
}

// Stuck names the Cluster whose reconcile does not end; empty when there is none. Each such reconcile holds a worker, and only a
// restart of the process frees it.
func (r *ClusterReconciler) Stuck() string {
	cluster, since := r.running.oldest()
	if since.IsZero() || r.Clock.Since(since) <= maxReconcile {
		return ""
	}
	return fmt.Sprintf(reconcileStuck, cluster, since.UTC().Format(time.RFC3339))
}
