package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// act takes one action. Every write names the version of the object that the decision was made on.
func (r *ClusterReconciler) act(ctx context.Context, s *scene, action remedy.Action) error {
	switch a := action.(type) {
	case remedy.PatchCluster:
		return r.patchCluster(ctx, s, a)
	case remedy.RecreateRestore:
		return r.recreateRestore(ctx, s, a)
	default:
		return fmt.Errorf("no such action: %T", action)
	}
}

func (r *ClusterReconciler) patchCluster(ctx context.Context, s *scene, a remedy.PatchCluster) error {
	p, err := patch.JSON(append(patch.Version(a.Cluster.UID, a.Cluster.ResourceVersion), patch.Edits(a.Edits)...))
	if err != nil {
		return err
	}
	if err := r.Client.Patch(ctx, s.cluster.DeepCopy(), p); err != nil {
		return fmt.Errorf("rewrite the Cluster's rules: %w", err)
	}
	logf.FromContext(ctx).Info("Rewrote inherited scheduling rules of the Cluster", "edits", len(a.Edits))
	r.Recorder.Eventf(s.cluster, nil, corev1.EventTypeNormal, v1alpha1.ReasonRewritingCluster, "PatchCluster",
		"Rewrote %d places where inherited scheduling rules named the source cluster.", len(a.Edits))
	return nil
}

func (r *ClusterReconciler) recreateRestore(ctx context.Context, s *scene, a remedy.RecreateRestore) error {
	restore := &kubeblocks.Restore{}
	restore.Namespace, restore.Name = a.Restore.Namespace, a.Restore.Name
	err := r.Client.Delete(ctx, restore, client.Preconditions{UID: &a.Restore.UID, ResourceVersion: &a.Restore.ResourceVersion})
	if err != nil {
		return fmt.Errorf("delete Restore %s: %w", a.Restore, err)
	}
	logf.FromContext(ctx).Info("Deleted a Restore that never started, for KubeBlocks to create it again", "restore", a.Restore.NamespacedName)
	r.Recorder.Eventf(s.cluster, nil, corev1.EventTypeNormal, v1alpha1.ReasonRecreatingRestore, "RecreateRestore",
		"Deleted Restore %s, of which nothing ever started: KubeBlocks creates it again with the rewritten rules.", a.Restore.Name)
	return nil
}
