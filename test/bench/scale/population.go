package scale

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// writers is how many objects are written at once: enough to keep the API server busy.
const writers = 32

// population writes what is in the API server.
type population struct {
	client client.Client
	// namespaces is how many there are; objects are dealt out to them.
	namespaces int
	// clusters is how many there will be in the end: Pods are dealt out to them.
	clusters int
	snapshot string
}

// each calls a function for every number from first to last, last not included, many at once.
func each(ctx context.Context, first, last int, call func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i := first; i < last && ctx.Err() == nil; i++ {
		group.Go(func() error { return call(ctx, i) })
	}
	return group.Wait()
}

func (p *population) namespace(i int) string { return fmt.Sprintf("team-%d", i%p.namespaces) }

func clusterName(i int) string { return fmt.Sprintf("db-%d", i) }

// addNamespaces creates the Namespaces, each with the Backup that its clusters are restored from.
func (p *population) addNamespaces(ctx context.Context) error {
	return each(ctx, 0, p.namespaces, func(ctx context.Context, i int) error {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: p.namespace(i)}}
		return p.create(ctx, namespace, backupOf(namespace.Name, backup, p.snapshot))
	})
}

// addBackups creates Backups that nothing is restored from.
func (p *population) addBackups(ctx context.Context, first, last int) error {
	return each(ctx, first, last, func(ctx context.Context, i int) error {
		return p.create(ctx, backupOf(p.namespace(i), fmt.Sprintf("nightly-%d", i), p.snapshot))
	})
}

// addClusters creates clusters that were restored, and whose rules are their own: with Component, InstanceSet and finished Restore.
func (p *population) addClusters(ctx context.Context, first, last int) error {
	return each(ctx, first, last, func(ctx context.Context, i int) error {
		name := clusterName(i)
		cluster := clusterOf(p.namespace(i), name)
		if err := p.create(ctx, cluster); err != nil {
			return err
		}
		of := rehometesting.MakeComponent(cluster, component).Policy(rules(name)).Obj()
		if err := p.create(ctx, of); err != nil {
			return err
		}
		set := rehometesting.MakeInstanceSet(rehometesting.V10(), of).Replicas(replicas).Obj()
		restore := restoreOf(of)
		if err := p.create(ctx, set, restore); err != nil {
			return err
		}
		return p.finish(ctx, restore)
	})
}

// finish says that a Restore is done.
func (p *population) finish(ctx context.Context, restore *unstructured.Unstructured) error {
	if err := unstructured.SetNestedField(restore.Object, string(kubeblocks.RestoreCompleted), "status", "phase"); err != nil {
		return err
	}
	if err := p.client.Status().Update(ctx, restore); err != nil {
		return fmt.Errorf("finish Restore %s: %w", restore.GetName(), err)
	}
	return nil
}

// addPods creates Pods that run.
func (p *population) addPods(ctx context.Context, count int) error {
	return each(ctx, 0, count, func(ctx context.Context, i int) error {
		owner := i % p.clusters
		pod := podOf(p.namespace(owner), clusterName(owner), i/p.clusters)
		if err := p.create(ctx, pod); err != nil {
			return err
		}
		run(pod)
		if err := p.client.Status().Update(ctx, pod); err != nil {
			return fmt.Errorf("run Pod %s: %w", pod.Name, err)
		}
		return nil
	})
}

func (p *population) create(ctx context.Context, objects ...client.Object) error {
	for _, object := range objects {
		if err := p.client.Create(ctx, object); err != nil {
			return fmt.Errorf("create %T %s: %w", object, object.GetName(), err)
		}
	}
	return nil
}
