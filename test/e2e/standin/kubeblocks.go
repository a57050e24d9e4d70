// Package standin plays KubeBlocks 1.2, which cannot be downloaded, on a real API server with a real scheduler, controller manager and
// provisioner of volumes. It creates the objects in the shapes that KubeBlocks 1.2 was seen to write, as far as a restore needs them:
// Components, InstanceSets, Instances, database Pods and their claims, and for each claim a Restore and its Job.
package standin

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// interval is the time between two steps.
const interval = 200 * time.Millisecond

// workloads serves InstanceSets and Instances.
var workloads = schema.GroupVersion{Group: "workloads.kubeblocks.io", Version: "v1"}

// KubeBlocks works on the Clusters of one namespace.
type KubeBlocks struct {
	client    client.Client
	namespace string
	classes   map[string]*storagev1.StorageClass
}

// Start works on the Clusters of a namespace until the returned function is called. log is called with errors that are no races.
func Start(config *rest.Config, namespace string, log func(error)) (stop func(), err error) {
	c, err := client.New(config, client.Options{})
	if err != nil {
		return nil, fmt.Errorf("create a client: %w", err)
	}
	k := &KubeBlocks{client: c, namespace: namespace, classes: map[string]*storagev1.StorageClass{}}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { k.run(ctx, log) })
	return func() {
		cancel()
		running.Wait()
	}, nil
}

func (k *KubeBlocks) run(ctx context.Context, log func(error)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			err := k.step(ctx)
			if err != nil && ctx.Err() == nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
				log(fmt.Errorf("stand-in of KubeBlocks in namespace %s: %w", k.namespace, err))
			}
		}
	}
}

// step does all that is due, from causes to effects.
func (k *KubeBlocks) step(ctx context.Context) error {
	clusters := &unstructured.UnstructuredList{}
	clusters.SetGroupVersionKind(kubeblocks.AppsV1.WithKind("ClusterList"))
	if err := k.client.List(ctx, clusters, client.InNamespace(k.namespace)); err != nil {
		return err
	}
	for i := range clusters.Items {
		if err := k.reconcile(ctx, &clusters.Items[i]); err != nil {
			return err
		}
	}
	return k.populate(ctx)
}

// reconcile works on one Cluster.
func (k *KubeBlocks) reconcile(ctx context.Context, cluster *unstructured.Unstructured) error {
	components, err := componentsOf(cluster)
	if err != nil {
		return err
	}
	ready := true
	for _, c := range components {
		set, err := k.ensureWorkload(ctx, cluster, c)
		if err != nil {
			return err
		}
		done, err := k.reconcileSet(ctx, cluster, c, set)
		if err != nil {
			return err
		}
		ready = ready && done
	}
	return k.report(ctx, cluster, ready)
}

// ensure creates an object, or replaces its spec where that differs. It returns the object as it is stored.
func (k *KubeBlocks) ensure(ctx context.Context, want *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	have := &unstructured.Unstructured{}
	have.SetGroupVersionKind(want.GroupVersionKind())
	err := k.client.Get(ctx, client.ObjectKeyFromObject(want), have)
	if apierrors.IsNotFound(err) {
		return want, k.client.Create(ctx, want)
	}
	if err != nil || equal(have.Object["spec"], want.Object["spec"]) {
		return have, err
	}
	have.Object["spec"] = want.Object["spec"]
	return have, k.client.Update(ctx, have)
}

// pods returns the Pods of a Component by name.
func (k *KubeBlocks) pods(ctx context.Context, labels map[string]string) (map[string]*corev1.Pod, error) {
	var list corev1.PodList
	err := k.client.List(ctx, &list, client.InNamespace(k.namespace), client.MatchingLabels(labels))
	pods := map[string]*corev1.Pod{}
	for i := range list.Items {
		pods[list.Items[i].Name] = &list.Items[i]
	}
	return pods, err
}
