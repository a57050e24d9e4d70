package scale

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// plainKinds are the kinds that Rehome reads, cached or live.
func plainKinds() []schema.GroupVersionKind {
	generation := rehometesting.V10()
	return []schema.GroupVersionKind{
		generation.Apps.WithKind("Cluster"),
		generation.Apps.WithKind("Component"),
		generation.Workloads().WithKind("InstanceSet"),
		kubeblocks.DataProtectionV1alpha1.WithKind("Restore"),
		kubeblocks.DataProtectionV1alpha1.WithKind("Backup"),
		corev1.SchemeGroupVersion.WithKind("Pod"),
	}
}

// Plain runs a manager with no optimisation of memory: it caches whole objects of all kinds as unstructured objects. It writes a line
// when its caches have synced, and ends with the context.
func Plain(ctx context.Context, config *rest.Config, out io.Writer) error {
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
	})
	if err != nil {
		return fmt.Errorf("create the manager: %w", err)
	}
	for _, kind := range plainKinds() {
		obj := &unstructured.Unstructured{}
		obj.SetGroupVersionKind(kind)
		if _, err := mgr.GetCache().GetInformer(ctx, obj, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("watch every %s: %w", kind.Kind, err)
		}
	}
	reportSynced := manager.RunnableFunc(func(ctx context.Context) error {
		if mgr.GetCache().WaitForCacheSync(ctx) {
			_, err := fmt.Fprintln(out, plainSynced)
			return err
		}
		return nil
	})
	if err := mgr.Add(reportSynced); err != nil {
		return fmt.Errorf("add to the manager: %w", err)
	}
	return mgr.Start(ctx)
}
