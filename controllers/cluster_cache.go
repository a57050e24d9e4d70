package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// What is cached: Clusters, Components, Restores and Rehomings, some metadata of InstanceSets, that of Namespaces, and Pending Pods.
//
// What is live, each with its reason at the read:
//   - Jobs and Pods, because a delete depends on what has started;
//   - claims, volumes, classes and Nodes, because a delete or a rewrite depends on them, and only while something is undecided;
//   - Backups, because a snapshot is large and is read once;
//   - InstanceSets, because they show which Pods are the database, and only while something is undecided;
//   - the managed fields of Clusters, the whole spec of Restores and the long reports of Rehomings, because the cache does not hold them.

// Cached lists the kinds that Client reads whole.
func Cached() []client.Object {
	return []client.Object{&kubeblocks.Cluster{}, &kubeblocks.Component{}, &kubeblocks.Restore{}, &v1alpha1.Rehoming{}, &corev1.Pod{}}
}

// CacheByObject says what the cache holds of each kind: of Pods, those that are Pending.
func CacheByObject() map[client.Object]cache.ByObject {
	pool := newPolicyPool()
	return map[client.Object]cache.ByObject{
		&corev1.Pod{}: {
			Field:     fields.OneTermEqualSelector("status.phase", string(corev1.PodPending)),
			Transform: stripPod,
		},
		&kubeblocks.Cluster{}:     {Transform: pool.transform},
		&kubeblocks.Component{}:   {Transform: pool.transform},
		&kubeblocks.Restore{}:     {Transform: pool.transform},
		&kubeblocks.InstanceSet{}: {Transform: stripInstanceSet},
		&v1alpha1.Rehoming{}:      {Transform: stripRehoming},
	}
}

// stripApplied empties what kubectl apply remembers: no decision depends on it, and it is as large as the object. The annotation
// itself stays, because a patch must know whether an object has annotations.
func stripApplied(obj any) (any, error) {
	if o, ok := obj.(client.Object); ok {
		o.SetManagedFields(nil)
		if annotations := o.GetAnnotations(); annotations[corev1.LastAppliedConfigAnnotation] != "" {
			annotations[corev1.LastAppliedConfigAnnotation] = ""
		}
	}
	return obj, nil
}

// stripPod drops the fields of a cached Pod that no decision depends on.
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
	stripped.Status.NominatedNodeName = pod.Status.NominatedNodeName
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

// indexOf is the name of the index of cached objects by the value of a label.
func indexOf(label string) string { return "metadata.labels." + label }

// labelled selects cached objects in a Namespace by the value of a label. It uses the index, because a label selector scans all
// objects of the Namespace.
func labelled(namespace, label, value string) []client.ListOption {
	return []client.ListOption{client.InNamespace(namespace), client.MatchingFields{indexOf(label): value}}
}

// OfCluster selects the cached Components, Restores and Pending Pods that are labelled with a Cluster's name. The cache needs the
// indexes of AddIndexes.
func OfCluster(c *kubeblocks.Cluster) []client.ListOption {
	return labelled(c.Namespace, kubeblocks.LabelInstance, c.Name)
}

// AddIndexes adds to a cache the indexes that a ClusterReconciler reads by.
func AddIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	for label, objects := range map[string][]client.Object{
		kubeblocks.LabelInstance: {&kubeblocks.Component{}, &kubeblocks.Restore{}, &corev1.Pod{}},
		kubeblocks.LabelRestore:  {&corev1.Pod{}},
	} {
		value := func(obj client.Object) []string { return []string{obj.GetLabels()[label]} }
		for _, obj := range objects {
			if err := indexer.IndexField(ctx, obj, indexOf(label), value); err != nil {
				return fmt.Errorf("index %T by %s: %w", obj, label, err)
			}
		}
	}
	return nil
}
