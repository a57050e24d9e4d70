package controllers

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/sources"
)

// readRehoming reads the Rehoming of the Cluster. One that a deleted Cluster of the same name owns, or that is being deleted, is not
// written, because it goes.
func (r *ClusterReconciler) readRehoming(ctx context.Context, s *scope) error {
	rehoming, err := r.getRehoming(ctx, s.name)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("get Rehoming: %w", err)
	}
	s.policy.uid, s.policy.generation = rehoming.UID, rehoming.Generation
	owner := sources.OwnerOf(rehoming, s.cluster.UID)
	s.rehoming, s.restraint = owner.Rehoming, owner.Restraint
	return nil
}

// reportRehoming creates the Rehoming where there is none, and writes its status.
func (r *ClusterReconciler) reportRehoming(ctx context.Context, s *scope, plan remedy.Plan) error {
	if err := r.ensureRehoming(ctx, s); err != nil {
		if apierrors.IsNotFound(err) || apierrors.IsAlreadyExists(err) {
			return nil // the cache has yet to learn that the Rehoming was created, or deleted
		}
		return err
	}
	before := s.rehoming.DeepCopy()
	s.rehoming.Status = r.statusOf(s, plan)
	return r.patchRehomingStatus(ctx, before, s.rehoming)
}

// ensureRehoming creates the Rehoming where there is none. One that Rehome creates is deleted with its Cluster. One that somebody
// else created is theirs: it gets no owner.
func (r *ClusterReconciler) ensureRehoming(ctx context.Context, s *scope) error {
	if s.rehoming != nil {
		return nil
	}
	s.rehoming = &v1alpha1.Rehoming{ObjectMeta: metav1.ObjectMeta{
		Namespace: s.cluster.Namespace, Name: s.cluster.Name,
		OwnerReferences: []metav1.OwnerReference{{APIVersion: r.Apps.String(), Kind: "Cluster", Name: s.cluster.Name, UID: s.cluster.UID}},
	}}
	if err := r.Client.Create(ctx, s.rehoming); err != nil {
		return fmt.Errorf("create Rehoming: %w", err)
	}
	return nil
}
