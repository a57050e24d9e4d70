package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// workers is how many Clusters are looked at at once. A look is mostly waiting for answers of the API server.
const workers = 8

// SetupWithManager registers the reconciler. Whatever happens to a Cluster, to its Components or Restores, to its Pods that
// wait for a node, or to the mode of its Namespace, is a reason to look at the Cluster again; nothing else is.
func (r *ClusterReconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	if err := AddIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	// The status of a Cluster or a Component says nothing that a decision hangs on, and changes often.
	specOrMeta := predicate.Or(
		predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}, predicate.LabelChangedPredicate{})
	b := ctrl.NewControllerManagedBy(mgr).
		Named("rehome-cluster").
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		For(&kubeblocks.Cluster{}, builder.WithPredicates(withoutUpdates)).
		Watches(&kubeblocks.Cluster{}, settled(clusterItself), builder.WithPredicates(onlyUpdates, specOrMeta)).
		Watches(&kubeblocks.Component{}, handler.EnqueueRequestsFromMapFunc(clusterOf), builder.WithPredicates(specOrMeta)).
		Watches(&kubeblocks.Restore{}, settled(clusterOf), builder.WithPredicates(notOurReport)).
		Watches(&corev1.Pod{}, settled(clusterOf)).
		// A database Pod that waits is made anew when its InstanceSet has the new rules, and no Pod tells of that.
		WatchesMetadata(&kubeblocks.InstanceSet{}, handler.EnqueueRequestsFromMapFunc(clusterOf), builder.WithPredicates(specOrMeta)).
		WatchesMetadata(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.clustersIn),
			builder.WithPredicates(predicate.AnnotationChangedPredicate{}))
	if r.Rehomings {
		b = b.Watches(&v1alpha1.Rehoming{}, settled(clusterItself), builder.WithPredicates(predicate.GenerationChangedPredicate{}))
	}
	if err := b.Complete(r); err != nil {
		return fmt.Errorf("set up the cluster controller: %w", err)
	}
	return nil
}

// CacheByObject says what of each kind a ClusterReconciler's cache has to hold: of Pods, those that are Pending.
func CacheByObject() map[client.Object]cache.ByObject {
	return map[client.Object]cache.ByObject{
		&corev1.Pod{}: {
			Field:     fields.OneTermEqualSelector("status.phase", string(corev1.PodPending)),
			Transform: stripPod,
		},
	}
}

// stripPod drops what no decision hangs on from a Pod that is to be cached.
func stripPod(obj any) (any, error) {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return obj, nil
	}
	stripped := &corev1.Pod{TypeMeta: pod.TypeMeta, ObjectMeta: metav1.ObjectMeta{
		Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
		Labels: pod.Labels, OwnerReferences: pod.OwnerReferences,
		CreationTimestamp: pod.CreationTimestamp, DeletionTimestamp: pod.DeletionTimestamp,
	}}
	stripped.Spec.NodeName, stripped.Spec.Volumes = pod.Spec.NodeName, claimVolumes(pod.Spec.Volumes)
	stripped.Spec.Affinity, stripped.Spec.TopologySpreadConstraints = pod.Spec.Affinity, pod.Spec.TopologySpreadConstraints
	stripped.Status.Phase, stripped.Status.StartTime = pod.Status.Phase, pod.Status.StartTime
	stripped.Status.Conditions, stripped.Status.ContainerStatuses = pod.Status.Conditions, pod.Status.ContainerStatuses
	return stripped, nil
}

func claimVolumes(volumes []corev1.Volume) []corev1.Volume {
	var claims []corev1.Volume
	for _, v := range volumes {
		if v.PersistentVolumeClaim != nil {
			claims = append(claims, v)
		}
	}
	return claims
}

// clusterOf names the Cluster that an object is labelled with. Whether the object really is the Cluster's is for observe.
func clusterOf(_ context.Context, obj client.Object) []reconcile.Request {
	name := obj.GetLabels()[kubeblocks.LabelInstance]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: obj.GetNamespace(), Name: name}}}
}

// clusterItself names a Cluster, or that of a Rehoming, which has its name.
func clusterItself(_ context.Context, obj client.Object) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: client.ObjectKeyFromObject(obj)}}
}

// clustersIn names the Clusters in a Namespace. None, when they cannot be listed: the cache says so itself.
func (r *ClusterReconciler) clustersIn(ctx context.Context, namespace client.Object) []reconcile.Request {
	var clusters kubeblocks.ClusterList
	if err := r.Client.List(ctx, &clusters, client.InNamespace(namespace.GetName())); err != nil {
		return nil
	}
	requests := make([]reconcile.Request, 0, len(clusters.Items))
	for i := range clusters.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&clusters.Items[i])})
	}
	return requests
}
