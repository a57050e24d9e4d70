// Package fakekubeblocks imitates how KubeBlocks 1.0 restores Clusters. The real one is too slow for a thousand restores, and a smoke
// run does not build it. The API server, the scheduler, the Job controller and the garbage collector are real.
//
// It imitates:
//   - A Cluster with the annotation restore-from-backup gets a Component for each componentSpec. The Component's rules follow the
//     Cluster's.
//   - A Component gets a Restore with the Component's rules at that time. A deleted Restore is created again under the same name.
//   - A Restore becomes Running, and gets a Job for each volume at once (Parallel). The Jobs have the Restore's rules, a name derived from
//     its UID, and KubeBlocks' finalizer.
//   - For a Restore that is being deleted, it strips the Jobs' finalizers, deletes the Jobs in the background, and strips the Restore's
//     finalizer.
//   - A Restore becomes Completed when all its Jobs are complete. Then the Jobs are deleted.
//
// It does not imitate: the steps after a completed Restore (InstanceSets, database Pods, postReady); volumes and claims; failed Jobs;
// the container restore-manager; shardings, instance templates and policies of whole Clusters; Serial restores; conditions, events
// and finalizers of Clusters and Components; unlocked writes of whole lists, which undo other clients' writes.
//
// It is faster than KubeBlocks: it writes no more objects, has more workers, and does not limit its requests.
package fakekubeblocks

import (
	"context"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// workers is the number of concurrent reconciles of each controller. It is high, so that benchmarks do not wait for the fake.
const workers = 16

// generation is the imitated version of KubeBlocks' API.
var generation = rehometesting.V10()

// Run runs the controllers until the context ends. Each Cluster has the given number of volumes, and each Restore as many Jobs.
func Run(ctx context.Context, config *rest.Config, volumes int) error {
	config = rest.CopyConfig(config)
	config.QPS = -1 // No limit.
	mgr, err := ctrl.NewManager(config, options())
	if err != nil {
		return fmt.Errorf("create the manager of the fake KubeBlocks: %w", err)
	}
	for _, setUp := range []func(ctrl.Manager) error{setUpComponents, setUpRestores, setUpJobs(volumes)} {
		if err := setUp(mgr); err != nil {
			return fmt.Errorf("set up the fake KubeBlocks: %w", err)
		}
	}
	return mgr.Start(ctx)
}

func options() ctrl.Options {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	kubeblocks.AddToScheme(scheme, generation.Apps)
	return ctrl.Options{
		Scheme:                 scheme,
		Metrics:                metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
		// One process runs the controllers once per control plane.
		Controller: ctrlconfig.Controller{SkipNameValidation: ptr.To(true), MaxConcurrentReconciles: workers},
		Cache: cache.Options{
			DefaultTransform: cache.TransformStripManagedFields(),
			ByObject:         map[client.Object]cache.ByObject{&batchv1.Job{}: {Label: hasRestore}},
		},
	}
}
