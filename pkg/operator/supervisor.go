package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// supervisor runs the engine for what is served, and another whenever that changes.
type supervisor struct {
	config *rest.Config
	// changed has a value when a definition that matters has changed.
	changed chan struct{}
	health  *health
	engine  engine
}

const (
	// settlingStep is how often the API server is asked what it serves after a definition changed. It takes a while to serve
	// what a definition says, and one that has just started serves nothing at first.
	settlingStep = 500 * time.Millisecond
	// retry is how often it is asked while KubeBlocks is not installed and no definition changes.
	retry = 30 * time.Second
	// settlingSteps is how often it is asked at most, and sameSteps how often in a row it has to give another answer than before
	// until that is believed.
	settlingSteps, sameSteps = 40, 6
)

// groups are those of the kinds that matter, as the names of their definitions end.
var groups = []string{".kubeblocks.io"}

// +kubebuilder:rbac:roleName=rehome-cluster-reader,groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=list;watch

// watch notes every change of a definition that matters.
func (s *supervisor) watch(ctx context.Context, c cache.Cache) error {
	definition := &metav1.PartialObjectMetadata{}
	definition.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	informer, err := c.GetInformer(ctx, definition, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watch definitions: %w", err)
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    s.note,
		UpdateFunc: func(_, obj any) { s.note(obj) },
		DeleteFunc: s.note,
	})
	if err != nil {
		return fmt.Errorf("watch definitions: %w", err)
	}
	return nil
}

func (s *supervisor) note(obj any) {
	if gone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = gone.Obj
	}
	definition, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return
	}
	for _, group := range groups {
		if strings.HasSuffix(definition.Name, group) {
			select {
			case s.changed <- struct{}{}:
			default: // a change is noted already
			}
		}
	}
}

// Start runs engines until the context ends. It returns an error when one cannot go on, such as one that lost its lease:
// whoever runs the process starts it again.
func (s *supervisor) Start(ctx context.Context) error {
	var reason string
	steps := settlingSteps // a definition may have changed before the watch began
	for ctx.Err() == nil {
		now, err := discover(s.config)
		if err != nil {
			s.health.notReadyf("%s", err)
			if err.Error() != reason {
				reason = err.Error()
				ctrl.Log.Info("Waiting for KubeBlocks", "reason", reason)
			}
			steps = s.pause(ctx, steps)
			continue
		}
		if err := s.run(ctx, now); err != nil {
			return err
		}
		steps = settlingSteps
	}
	return nil
}

// pause waits between two questions while nothing that matters is served: a step where steps are left, since a definition has
// changed a moment ago, and until the next change otherwise, or for a while at most. It returns how many steps are left.
func (s *supervisor) pause(ctx context.Context, steps int) int {
	wait := retry
	if steps > 0 {
		wait = settlingStep
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-s.changed:
		return settlingSteps
	case <-timer.C:
	}
	return max(0, steps-1)
}

// run runs an engine for what is served, until that changes.
func (s *supervisor) run(ctx context.Context, now served) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	s.health.notReadyf("reading Clusters and Restores into the cache")
	go func() { ended <- s.engine.run(ctx, now, s.health.ready) }()
	other := make(chan struct{})
	go func() {
		defer close(other)
		s.awaitChange(ctx, now)
	}()
	select {
	case err := <-ended:
		return err
	case <-other:
		cancel()
		return <-ended
	}
}

// awaitChange returns when a definition has changed and what is served is surely not the same any more, or when the context
// ends. An API server that does not answer, or only in part, has not said anything.
func (s *supervisor) awaitChange(ctx context.Context, now served) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
		}
		others := 0
		for step := 0; step < settlingSteps && ctx.Err() == nil; step++ {
			then, err := discover(s.config)
			if errors.Is(err, kubeblocks.ErrNotInstalled) || err == nil && then != now {
				others++
			} else {
				others = 0
			}
			if others == sameSteps {
				return
			}
			sleep(ctx, settlingStep)
		}
	}
}

// sleep returns after a while, or when the context ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
