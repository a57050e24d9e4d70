package controllers

import (
	"time"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/rehome-operator/rehome/pkg/patch"
)

// observeAgainAfter is how long the cache gets to learn of the write that made an observation stale.
const observeAgainAfter = time.Second

// again turns the outcome of a write into that of a reconcile: a failed precondition is not an error, only a reason to
// observe again.
func again(err error) (ctrl.Result, error) {
	if patch.IsStale(err) {
		return ctrl.Result{RequeueAfter: observeAgainAfter}, nil
	}
	return ctrl.Result{}, err
}
