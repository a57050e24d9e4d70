package controllers

import (
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

const (
	// requeueAfterAction is when to observe after an action, even if no event comes.
	requeueAfterAction = time.Second
	// requeueForbidden is when to read again what Rehome has no right to read: no event says when it gets the right.
	requeueForbidden = 5 * time.Minute
	// scrapeTimeout bounds how long a scrape waits for the cache, which a new leader has not filled yet.
	scrapeTimeout = time.Second
)

// errStarted says that something has started since the observation, or may start at any moment.
var errStarted = errors.New("it has started since, or may start now")

// isStale reports whether an action failed only because the objects changed after the observation.
func isStale(err error) bool { return errors.Is(err, errStarted) || patch.IsStale(err) }

// result turns a plan and the error of its action or report into that of a reconcile. A failed precondition is not an error: the
// Cluster is observed again when the cache has the write that made the observation stale. KubeBlocks writes a Cluster's status
// whenever its spec changed. After an action the Cluster is observed again, too: the next action need not come with an event.
func result(plan remedy.Plan, err error) (ctrl.Result, error) {
	switch {
	case isStale(err):
		return ctrl.Result{RequeueAfter: batchPeriod}, nil
	case err != nil:
		return ctrl.Result{}, err
	case len(plan.Actions) > 0:
		return ctrl.Result{RequeueAfter: requeueAfterAction}, nil
	default:
		return ctrl.Result{RequeueAfter: plan.RequeueAfter.Duration}, nil
	}
}

func (r *ClusterReconciler) now() metav1.Time { return metav1.NewTime(r.Clock.Now()) }
