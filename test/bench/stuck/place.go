package stuck

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

// world is a control plane on which a KubeBlocks, real or not, restores backups of a cluster that has a Pod on every node which
// restore Pods could take.
type world interface {
	// begin returns where a round can make its restores. Whatever is made there gets stuck, and no contender touches it yet.
	begin(ctx context.Context, round int) (place, error)
	stop() error
}

// place is a Namespace for the restores of a round.
type place interface {
	controlPlane() *controlplane.ControlPlane
	namespace() string
	// restore restores the backup as a Cluster of that name.
	restore(ctx context.Context, cluster string) error
	// release lets contenders touch what is there.
	release(ctx context.Context) error
	// end returns when nothing of the round is at work any more.
	end(ctx context.Context, clusters []string) error
}

// hold has contenders leave alone what is in a Namespace.
func hold(ctx context.Context, c client.Client, namespace string) error {
	if err := setMode(ctx, c, namespace, configv1alpha1.Off); err != nil {
		return fmt.Errorf("hold Namespace %s: %w", namespace, err)
	}
	return nil
}

// release undoes hold.
func release(ctx context.Context, c client.Client, namespace string) error {
	if err := setMode(ctx, c, namespace, configv1alpha1.Enforce); err != nil {
		return fmt.Errorf("release Namespace %s: %w", namespace, err)
	}
	return nil
}

func setMode(ctx context.Context, c client.Client, namespace string, mode configv1alpha1.Mode) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{v1alpha1.AnnotationMode: mode}}})
	if err != nil {
		return err
	}
	return c.Patch(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, client.RawPatch(types.MergePatchType, patch))
}
