package controllers

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// readRehoming reads the Rehoming of the Cluster. One that belongs to a Cluster of the same name which is gone counts as none:
// it goes, too.
func (r *ClusterReconciler) readRehoming(ctx context.Context, s *scene) error {
	if !r.Rehomings {
		return nil
	}
	rehoming := &v1alpha1.Rehoming{}
	err := r.Client.Get(ctx, client.ObjectKeyFromObject(s.cluster), rehoming)
	switch {
	case noRehoming(err):
		return nil
	case err != nil:
		return fmt.Errorf("get Rehoming: %w", err)
	}
	owner := ownerOf(rehoming, s)
	if rehoming.DeletionTimestamp.IsZero() && (owner == nil || owner.UID == s.cluster.UID) {
		s.rehoming = rehoming
	}
	return nil
}

// noRehoming reports whether an error says that there is no such Rehoming, or that the kind is not served: a cure does not
// hang on that.
func noRehoming(err error) bool { return apierrors.IsNotFound(err) || meta.IsNoMatchError(err) }

// ownerOf returns the reference of a Rehoming to a Cluster, or nil.
func ownerOf(rehoming *v1alpha1.Rehoming, s *scene) *metav1.OwnerReference {
	i := slices.IndexFunc(rehoming.OwnerReferences, func(o metav1.OwnerReference) bool { return o.Kind == "Cluster" && o.Name == s.cluster.Name })
	if i < 0 {
		return nil
	}
	return &rehoming.OwnerReferences[i]
}

// reportRehoming creates the Rehoming where there is none, makes the Cluster its owner, and writes its status.
func (r *ClusterReconciler) reportRehoming(ctx context.Context, s *scene, plan remedy.Plan) error {
	if !r.Rehomings {
		return nil
	}
	if err := r.ensureRehoming(ctx, s); err != nil {
		if noRehoming(err) || apierrors.IsAlreadyExists(err) {
			return nil // the kind is not served, or the cache has yet to learn of the Rehoming or of the end of another
		}
		return err
	}
	before := s.rehoming.DeepCopy()
	s.rehoming.Status = r.statusOf(s, plan)
	if equalStatus(&before.Status, &s.rehoming.Status) {
		return nil
	}
	p := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, s.rehoming, p); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("report on Rehoming: %w", err)
	}
	return nil
}

func (r *ClusterReconciler) ensureRehoming(ctx context.Context, s *scene) error {
	owner := metav1.OwnerReference{
		APIVersion: r.Apps.String(), Kind: "Cluster", Name: s.cluster.Name, UID: s.cluster.UID,
	}
	if s.rehoming == nil {
		s.rehoming = &v1alpha1.Rehoming{ObjectMeta: metav1.ObjectMeta{
			Namespace: s.cluster.Namespace, Name: s.cluster.Name, OwnerReferences: []metav1.OwnerReference{owner},
		}}
		if err := r.Client.Create(ctx, s.rehoming); err != nil {
			return fmt.Errorf("create Rehoming: %w", err)
		}
		return nil
	}
	if ownerOf(s.rehoming, s) != nil {
		return nil
	}
	before := s.rehoming.DeepCopy()
	s.rehoming.OwnerReferences = append(s.rehoming.OwnerReferences, owner)
	err := r.Client.Patch(ctx, s.rehoming, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if err != nil {
		return fmt.Errorf("make the Cluster the owner of its Rehoming: %w", err)
	}
	return nil
}
