package controllers

import (
	"errors"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// observeAgainAfter is when to look again after an action, even if nothing tells what came of it.
const observeAgainAfter = time.Second

// askAgainAfter is how long until something is read again that Rehome had no right to: nothing tells when it gets one.
const askAgainAfter = 5 * time.Minute

// errStarted says that something started between the observation and the action, or is about to.
var errStarted = errors.New("it has started meanwhile, or may")

// isStale reports whether an action failed only because things are no longer what they were when it was decided.
func isStale(err error) bool { return errors.Is(err, errStarted) || patch.IsStale(err) }

// outcome turns that of a plan's first action and of the report into that of a reconcile. A failed precondition is not an
// error, only a reason to observe again, as soon as the cache has learned of the write that made the observation stale: KubeBlocks
// writes a Cluster's status whenever its spec has changed. So is an action: what is due next need not come with an event.
func outcome(plan remedy.Plan, err error) (ctrl.Result, error) {
	switch {
	case isStale(err):
		return ctrl.Result{RequeueAfter: settleTime}, nil
	case err != nil:
		return ctrl.Result{}, err
	case len(plan.Actions) > 0:
		return ctrl.Result{RequeueAfter: observeAgainAfter}, nil
	default:
		return ctrl.Result{RequeueAfter: plan.Again.Duration}, nil
	}
}
