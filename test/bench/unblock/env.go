package unblock

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/test/controlplane"
)

// env is a control plane with KubeBlocks, real or fake. A source has a Pod on every node that accepts restore Pods.
type env interface {
	// newNamespace returns where a round creates its restores. Operators are disabled there.
	newNamespace(ctx context.Context, round int) (namespace, error)
	stop() error
}

// namespace is the Namespace of a round.
type namespace interface {
	controlPlane() *controlplane.ControlPlane
	name() string
	// restore restores the backup into a Cluster.
	restore(ctx context.Context, cluster string) error
	// enable lets operators act in the Namespace.
	enable(ctx context.Context) error
	// finish waits until nothing of the round is running.
	finish(ctx context.Context, clusters []string) error
}

// disableOperators stops operators from acting in a Namespace.
func disableOperators(ctx context.Context, c client.Client, namespace string) error {
	return setMode(ctx, c, namespace, configv1alpha1.Disabled)
}

func enableOperators(ctx context.Context, c client.Client, namespace string) error {
	return setMode(ctx, c, namespace, configv1alpha1.Enforce)
}

func setMode(ctx context.Context, c client.Client, namespace string, mode configv1alpha1.Mode) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{v1alpha1.AnnotationMode: mode}}})
	if err != nil {
		return err
	}
	obj := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := c.Patch(ctx, obj, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("set mode %s on Namespace %s: %w", mode, namespace, err)
	}
	return nil
}
