package controlplane

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// starter starts the components of a control plane. If a component exits before all are ready, the start is cancelled.
type starter struct {
	*ControlPlane
	watches *errgroup.Group
}

// start starts all components and waits until they are ready.
func (c *ControlPlane) start(ctx context.Context) error {
	return c.watched(ctx, starter.startAll)
}

// watched calls start, and cancels its context when a component exits.
func (c *ControlPlane) watched(ctx context.Context, start func(starter, context.Context) error) error {
	ctx, ready := context.WithCancel(ctx)
	defer ready()
	watches, ctx := errgroup.WithContext(ctx)
	watches.Go(func() error {
		defer ready()
		return start(starter{c, watches}, ctx)
	})
	return watches.Wait()
}

// startAll starts etcd, then the API server, then all others at once.
func (s starter) startAll(ctx context.Context) error {
	if err := s.launch(ctx, s.etcd()); err != nil {
		return err
	}
	if err := s.launchAPIServer(ctx); err != nil {
		return err
	}
	scheduler, err := s.scheduler()
	if err != nil {
		return err
	}
	kwok, err := s.kwok()
	if err != nil {
		return err
	}

	all, ctx := errgroup.WithContext(ctx)
	for _, part := range []component{s.controllerManager(), kwok, scheduler} {
		all.Go(func() error { return s.launch(ctx, part) })
	}
	for _, n := range s.options.Nodes {
		all.Go(func() error { return s.AddNode(ctx, n) })
	}
	for _, namespace := range []string{metav1.NamespaceDefault, metav1.NamespaceSystem} {
		all.Go(func() error { return s.awaitServiceAccount(ctx, namespace) })
	}
	return all.Wait()
}

func (s starter) launchAPIServer(ctx context.Context) error {
	apiServer, err := s.apiServer()
	if err != nil {
		return err
	}
	return s.launch(ctx, apiServer)
}

// launch starts a component and waits until it is ready.
func (s starter) launch(ctx context.Context, part component) error {
	p, err := startProcess(s.group, part.name, s.command(part), s.logFile(part.name))
	if err != nil {
		return err
	}
	s.remember(&s.components, p)
	s.watches.Go(func() error {
		select {
		case <-p.Done():
			return p.Err()
		case <-ctx.Done():
			return nil
		}
	})
	if err := part.ready.until(ctx); err != nil {
		return fmt.Errorf("%s is not ready: %w%s", part.name, err, p.log.ending())
	}
	return nil
}

// awaitServiceAccount waits for the default service account, without which no Pod can be created in namespace.
func (s starter) awaitServiceAccount(ctx context.Context, namespace string) error {
	if err := s.await(ctx, "serviceaccounts", namespace, "default", &corev1.ServiceAccount{}, exists); err != nil {
		return fmt.Errorf("namespace %s has no default service account: %w", namespace, err)
	}
	return nil
}
