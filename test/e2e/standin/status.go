package standin

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// report sets the phase of a Cluster, and the condition Restore of one that is restored.
func (k *KubeBlocks) report(ctx context.Context, cluster *unstructured.Unstructured, ready bool) error {
	phase := "Creating"
	if ready {
		phase = "Running"
	}
	status := map[string]any{"phase": phase}
	if _, restored, _ := unstructured.NestedMap(cluster.Object, "spec", "restore"); restored {
		condition, err := k.progress(ctx, cluster.GetName())
		if err != nil {
			return err
		}
		status["conditions"] = []any{condition}
	}
	have, _, _ := unstructured.NestedMap(cluster.Object, "status")
	if equal(have, status) {
		return nil
	}
	data, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	err = k.client.Status().Patch(ctx, cluster, client.RawPatch(types.MergePatchType, data))
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// progress returns the condition Restore of a Cluster. Its time never changes, so that it is written only when it differs.
func (k *KubeBlocks) progress(ctx context.Context, cluster string) (map[string]any, error) {
	var claims corev1.PersistentVolumeClaimList
	err := k.client.List(ctx, &claims, client.InNamespace(k.namespace), client.MatchingLabels{kubeblocks.LabelInstance: cluster})
	if err != nil {
		return nil, err
	}
	restored, total := 0, 0
	for i := range claims.Items {
		if isPopulated(&claims.Items[i]) {
			total++
			if claims.Items[i].Status.Phase == corev1.ClaimBound {
				restored++
			}
		}
	}
	status, reason := "Unknown", "RestoreRunning"
	if total > 0 && restored == total {
		status, reason = "True", "RestoreCompleted"
	}
	return map[string]any{
		"type": "Restore", "status": status, "reason": reason, "message": fmt.Sprintf("%d of %d volumes are restored", restored, total),
		"lastTransitionTime": "2026-07-01T12:00:00Z",
	}, nil
}
