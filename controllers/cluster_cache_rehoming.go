package controllers

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
)

const (
	// maxCachedItems is how many items the lists of a cached report have together. That of one component has about ten.
	maxCachedItems = 16
	// notCached is the observedGeneration of a cached report whose lists were dropped.
	notCached = -1
)

// stripRehoming drops what no decision depends on, and the lists of a long report. The owner of a Namespace can cause many long reports.
func stripRehoming(obj any) (any, error) {
	rehoming, ok := obj.(*v1alpha1.Rehoming)
	if !ok {
		return obj, nil
	}
	rehoming.ManagedFields, rehoming.Annotations = nil, nil
	if itemsOf(&rehoming.Status) > maxCachedItems {
		rehoming.Status = v1alpha1.RehomingStatus{ObservedGeneration: notCached, Conditions: rehoming.Status.Conditions}
	}
	return rehoming, nil
}

func itemsOf(s *v1alpha1.RehomingStatus) int {
	items := len(s.Backups) + len(s.Edits) + len(s.Findings) + len(s.Actions) + len(s.Restores)
	for i := range s.Restores {
		items += len(s.Restores[i].PendingPods)
	}
	return items
}

// getRehoming reads a Rehoming from the cache, and one with a long report from the API server.
func (r *ClusterReconciler) getRehoming(ctx context.Context, name client.ObjectKey) (*v1alpha1.Rehoming, error) {
	rehoming := &v1alpha1.Rehoming{}
	if err := r.Client.Get(ctx, name, rehoming); err != nil || rehoming.Status.ObservedGeneration != notCached {
		return rehoming, err
	}
	rehoming = &v1alpha1.Rehoming{}
	return rehoming, r.APIReader.Get(ctx, name, rehoming)
}
