package admission

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	"sigs.k8s.io/json"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// createRestore rewrites the rules that a Restore got from a Component which is still stale. It leaves a Restore alone, and the operator
// decides, where the Cluster may keep its stale rules, because claims of the component exist, and where volumes of the component are bound.
func (h *Handler) createRestore(ctx context.Context, req admission.Request) answer {
	restore := &kubeblocks.Restore{}
	if err := json.UnmarshalCaseSensitivePreserveInts(req.Object.Raw, restore); err != nil {
		return unchanged
	}
	restore.Namespace = req.Namespace
	cluster, component, err := h.ownersOf(ctx, restore)
	switch {
	case err != nil:
		return h.unreadable(ctx, req, err)
	case cluster == nil || cluster.Spec.Restore != nil || runsElsewhere(cluster) || !cluster.DeletionTimestamp.IsZero():
		return unchanged
	}
	restores := []kubeblocks.Restore{*restore}
	backups := h.readAhead(ctx, cluster, restores)
	d, err := h.readDecisions(ctx, client.ObjectKeyFromObject(cluster), cluster.UID)
	if err != nil {
		return h.unreadable(ctx, req, err)
	}
	if d.mode == configv1alpha1.Disabled {
		return unchanged
	}
	from := h.readInheritance(ctx, cluster, restores, d, backups)
	hold := h.hasVolumes
	if staysStale(from.rewrite(kubeblocks.ClusterPolicies(cluster)).Edits, kubeblocks.ShortName(component.Labels)) {
		hold = h.hasClaims
	}
	claims, err := hold(ctx, cluster.Namespace, client.MatchingLabels{
		kubeblocks.LabelInstance: cluster.Name, kubeblocks.LabelComponentName: component.Labels[kubeblocks.LabelComponentName],
	})
	if err != nil {
		return h.unreadable(ctx, req, err)
	}
	return from.decide(restore.Name, req.Object.Raw, kubeblocks.RestorePolicies(restore, component), d.mode, leaves(claims, restore.IsSerial(), false))
}

// staysStale reports whether the Cluster's own rules for a component are still stale.
func staysStale(edits []rewrite.Edit, component string) bool {
	return slices.ContainsFunc(edits, func(e rewrite.Edit) bool { return e.Component == "" || e.Component == component })
}

// ownersOf reads the Cluster and the Component of a Restore, and returns nil for a Restore that Rehome ignores.
func (h *Handler) ownersOf(ctx context.Context, restore *kubeblocks.Restore) (*kubeblocks.Cluster, *kubeblocks.Component, error) {
	controller := metav1.GetControllerOf(restore)
	if controller == nil {
		return nil, nil, nil
	}
	var named kubeblocks.Component
	err := h.APIReader.Get(ctx, types.NamespacedName{Namespace: restore.Namespace, Name: controller.Name}, &named)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("get Component: %w", err)
	}
	component := kubeblocks.OwnerComponent(restore, []kubeblocks.Component{named})
	if component == nil {
		return nil, nil, nil
	}
	owner := metav1.GetControllerOf(component)
	if owner == nil || owner.Kind != "Cluster" {
		return nil, nil, nil
	}
	cluster := &kubeblocks.Cluster{}
	err = h.APIReader.Get(ctx, types.NamespacedName{Namespace: restore.Namespace, Name: owner.Name}, cluster)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("get Cluster: %w", err)
	case !kubeblocks.OwnedBy(component, cluster):
		return nil, nil, nil
	}
	return cluster, component, nil
}
