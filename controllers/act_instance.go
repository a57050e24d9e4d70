package controllers

import (
	"cmp"
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// patchInstance rewrites the stale leaves of an Instance. Neither binding its Pod nor selecting a node for a claim changes the Instance,
// so both are read live right before.
func (r *ClusterReconciler) patchInstance(ctx context.Context, s *scope, a remedy.PatchInstance) error {
	if err := r.policyHolds(ctx, s); err != nil {
		return err
	}
	if err := r.placementHolds(ctx, s); err != nil {
		return err
	}
	if err := r.mayPatchInstance(ctx, s, a); err != nil {
		return err
	}
	p, err := patch.JSON(append(patch.Version(a.Instance.UID, a.Instance.ResourceVersion), patch.Edits(a.Edits)...))
	if err != nil {
		return err
	}
	instance := &kubeblocks.Instance{ObjectMeta: metav1.ObjectMeta{Namespace: a.Instance.Namespace, Name: a.Instance.Name}}
	if err := r.Client.Patch(ctx, instance, p); err != nil {
		return fmt.Errorf("rewrite the rules of Instance %s: %w", a.Instance.Name, err)
	}
	logf.FromContext(ctx).Info("Rewrote stale scheduling rules of an Instance", "instance", a.Instance.NamespacedName, "edits", len(a.Edits))
	r.recordEvent(s, instance, a, fmt.Sprintf(eventInstanceRewritten, len(a.Edits), a.Instance.Name))
	return nil
}

// mayPatchInstance returns errStarted, wrapped, where the Pod of the Instance is bound or can be bound at any moment.
func (r *ClusterReconciler) mayPatchInstance(ctx context.Context, s *scope, a remedy.PatchInstance) error {
	pods, err := r.listPods(ctx, s.cluster)
	if err != nil {
		return err
	}
	for i := range pods {
		pod := &pods[i]
		owner := metav1.GetControllerOf(pod)
		if owner == nil || owner.UID != a.Instance.UID {
			continue
		}
		if why := cmp.Or(pod.Spec.NodeName, kubeblocks.UndecidedPod(pod)); why != "" || kubeblocks.WasBound(pod) {
			return fmt.Errorf("rewrite Instance %s: %w: %s", a.Instance.Name, errStarted, why)
		}
	}
	return nil
}
