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

// createRestore rewrites the rules that a Restore of a rewritten Cluster got from a Component which is still stale.
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
	leave, err := h.leavesRestore(ctx, restore, cluster, component, &from)
	if err != nil {
		return h.unreadable(ctx, req, err)
	}
	return from.decide(restore.Name, req.Object.Raw, kubeblocks.RestorePolicies(restore, component), d.mode, leave)
}

// leavesRestore says why only the operator may rewrite a Restore; empty where the webhook may. The operator can have to leave the rules of
// the Cluster stale, and a Pod with rewritten rules can bring a volume where those of the database must not run.
func (h *Handler) leavesRestore(
	ctx context.Context, restore *kubeblocks.Restore, cluster *kubeblocks.Cluster, component *kubeblocks.Component, from *inheritance,
) (string, error) {
	policies := kubeblocks.ClusterPolicies(cluster)
	switch {
	case staysStale(from.rewrite(policies), policies, kubeblocks.ShortName(component.Labels)):
		return textStale, nil
	case restore.IsSerial():
		return textSerial, nil
	}
	volumes, err := h.hasVolumes(ctx, cluster.Namespace, client.MatchingLabels{
		kubeblocks.LabelInstance: cluster.Name, kubeblocks.LabelComponentName: component.Labels[kubeblocks.LabelComponentName],
	})
	if err != nil || !volumes {
		return "", err
	}
	return textClaims, nil
}

// staysStale reports whether the Cluster's own rules for a component are still stale. An invalid rule keeps all of them so.
func staysStale(cluster rewrite.Result, policies []rewrite.Policy, component string) bool {
	overriding := kubeblocks.Overriding(policies)[component]
	governs := func(e rewrite.Edit) bool { return e.Component == component || e.Component == "" && !overriding }
	return len(cluster.Of(rewrite.Invalid)) > 0 || slices.ContainsFunc(cluster.Edits, governs)
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
