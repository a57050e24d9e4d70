package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// servedWatch ends the manager when what the API server serves has changed for good.
type servedWatch struct {
	config *rest.Config
	cache  cache.Cache
	// now is what the manager was created for.
	now kubeblocks.Served
	// changed has a value when a definition has changed that matters.
	changed chan struct{}
	end     func()
}

const (
	// settlingStep is how often the API server is asked what it serves after a definition changed. It takes a while to serve a
	// changed definition, and serves nothing right after its own start.
	settlingStep = 500 * time.Millisecond
	// settlingSteps is how often it is asked at most. sameSteps is how often in a row it must give another answer than before.
	settlingSteps, sameSteps = 40, 6
)

// definitionSuffix is the end of the names of the definitions that matter.
const definitionSuffix = ".kubeblocks.io"

var _ manager.LeaderElectionRunnable = &servedWatch{}

// NeedLeaderElection says that a standby must be started again, too.
func (*servedWatch) NeedLeaderElection() bool { return false }

// +kubebuilder:rbac:roleName=rehome-cluster-reader,groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=list;watch

// Start watches definitions until the context ends.
func (w *servedWatch) Start(ctx context.Context) error {
	informer, err := w.cache.GetInformer(ctx, definitionMetadata(), cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watch definitions: %w", err)
	}
	w.notify() // Definitions may have changed between the discovery and the first list.
	if _, err := informer.AddEventHandler(w.handler()); err != nil {
		return fmt.Errorf("watch definitions: %w", err)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.changed:
			if w.hasChanged(ctx) {
				ctrl.Log.Info("The API server serves other kinds than before. Exiting, so that Rehome is started again")
				w.end()
				return nil
			}
		}
	}
}

// handler notifies of each change but the definitions of the first list, for which Start notifies once.
func (w *servedWatch) handler() toolscache.ResourceEventHandler {
	return toolscache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(obj any, listed bool) {
			if !listed {
				w.notifyOf(obj)
			}
		},
		UpdateFunc: func(_, obj any) { w.notifyOf(obj) },
		DeleteFunc: w.notifyOf,
	}
}

// notifyOf notifies of a changed definition, where it matters.
func (w *servedWatch) notifyOf(obj any) {
	if deleted, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = deleted.Obj
	}
	definition, ok := obj.(*metav1.PartialObjectMetadata)
	if ok && strings.HasSuffix(definition.Name, definitionSuffix) {
		w.notify()
	}
}

func (w *servedWatch) notify() {
	select {
	case w.changed <- struct{}{}:
	default: // a change is pending already
	}
}

// hasChanged reports whether the API server repeatedly says that it serves something else. An API server that does not answer, or
// only in part, says nothing.
func (w *servedWatch) hasChanged(ctx context.Context) bool {
	different := 0
	for range settlingSteps {
		then, err := discover(w.config)
		if isMissing(err) || err == nil && then != w.now {
			different++
		} else {
			different = 0
		}
		if different == sameSteps {
			return true
		}
		if sleep(ctx, settlingStep) != nil {
			return false
		}
	}
	return false
}

// isMissing reports whether the API server answered, and does not serve a kind that matters.
func isMissing(err error) bool {
	return errors.Is(err, kubeblocks.ErrNotInstalled) || errors.Is(err, errNoRehoming)
}
