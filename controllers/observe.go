package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// skipReason is why a Cluster is not remediated.
type skipReason string

const (
	skipNoCluster   skipReason = "there is no Cluster"
	skipDeleting    skipReason = "the Cluster is being deleted"
	skipGeneration  skipReason = "another generation of KubeBlocks owns the Cluster"
	skipNotRestored skipReason = "the Cluster was not restored"
	skipDisabled    skipReason = "the mode is Disabled"
)

// begin reads the Cluster, its Components and its Restores from the cache.
func (r *ClusterReconciler) begin(ctx context.Context, name types.NamespacedName) (*scope, error) {
	s := &scope{name: name, cluster: &kubeblocks.Cluster{}}
	if err := r.Client.Get(ctx, name, s.cluster); apierrors.IsNotFound(err) {
		s.skip = skipNoCluster
		return s, nil
	} else if err != nil {
		return nil, fmt.Errorf("get Cluster: %w", err)
	}
	switch {
	case !s.cluster.DeletionTimestamp.IsZero():
		s.skip = skipDeleting
		return s, nil
	case !r.Owns(s.cluster):
		s.skip = skipGeneration
	}
	return s, r.listOwned(ctx, s)
}

// observe reads all else that a decision about the Cluster needs. The scope's skip says why the Cluster is not remediated. An error
// says nothing about the Cluster.
func (r *ClusterReconciler) observe(ctx context.Context, s *scope) error {
	for _, read := range []func(context.Context, *scope) error{
		r.readRehoming, r.readPolicy, r.observeDataSource, r.readSources, r.recall, r.compareRules, r.observeContention, r.observeWorkloads,
	} {
		if s.skip != "" {
			return nil
		}
		if err := read(ctx, s); err != nil {
			return err
		}
	}
	s.observation.Restores = s.observed()
	return nil
}

// observed returns what is known of the Restores so far.
func (s *scope) observed() []remedy.Restore {
	restores := make([]remedy.Restore, 0, len(s.restores))
	for i := range s.restores {
		restores = append(restores, s.restores[i].observed)
	}
	return restores
}

// listOwned lists the Cluster's own Components and Restores.
func (r *ClusterReconciler) listOwned(ctx context.Context, s *scope) error {
	var components kubeblocks.ComponentList
	if err := r.Client.List(ctx, &components, OfCluster(s.cluster)...); err != nil {
		return fmt.Errorf("list Components: %w", err)
	}
	s.components = slices.DeleteFunc(components.Items, func(c kubeblocks.Component) bool {
		return !kubeblocks.OwnedBy(&c, s.cluster)
	})
	var restores kubeblocks.RestoreList
	if err := r.Client.List(ctx, &restores, OfCluster(s.cluster)...); err != nil {
		return fmt.Errorf("list Restores: %w", err)
	}
	for i := range restores.Items {
		restore := &restores.Items[i]
		if owner := kubeblocks.OwnerComponent(restore, s.components); owner != nil {
			s.restores = append(s.restores, restoreScope{object: restore, owner: owner})
		}
	}
	slices.SortFunc(s.restores, func(a, b restoreScope) int { return strings.Compare(a.object.Name, b.object.Name) })
	return nil
}

// block sets the obstacle, unless there is one.
func (s *scope) block(o remedy.Obstacle) {
	if s.observation.Obstacle == nil {
		s.observation.Obstacle = &o
	}
}

func objectOf(obj client.Object) remedy.Object {
	return remedy.Object{
		NamespacedName:  client.ObjectKeyFromObject(obj),
		UID:             obj.GetUID(),
		ResourceVersion: obj.GetResourceVersion(),
	}
}
