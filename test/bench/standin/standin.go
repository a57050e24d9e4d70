// Package standin plays what KubeBlocks 1.0 does to Clusters that are restored, where the real one is too slow to be asked for a
// thousand of them, or not built. The API server, the scheduler, the Job controller and the garbage collector beside it are real.
//
// It plays:
//   - a Cluster with the annotation restore-from-backup has a Component for each componentSpec, whose rules follow the Cluster's;
//   - a Component has a Restore, made of the Component's rules; the Restore follows nothing. One that was deleted is created
//     again, under the same name, when it is gone;
//   - a Restore is Running, and has a Job for each volume at once (Parallel), made of the Restore's rules and named after its UID. Each is
//     held by KubeBlocks' finalizer;
//   - a Restore that is deleted has the finalizers of its Jobs stripped, and the Jobs deleted in the background; then its own
//     finalizer goes;
//   - a Restore is Completed when all its Jobs are, and then has no Jobs any more.
//
// It does not play: what follows a completed Restore (InstanceSets, database Pods, postReady); volumes and their claims; Jobs
// that fail; the container restore-manager; shardings, instance templates and policies of whole Clusters; Serial restores;
// conditions, events and finalizers of Clusters and Components; lockless writes of whole lists, which undo those of others.
//
// It writes as few objects as KubeBlocks or fewer, has many workers and no limit of requests: it is quicker than the real one.
package standin

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

// workers is how many objects of each kind are worked on at once: KubeBlocks must not be what a benchmark waits for.
const workers = 16

// generation is the one that is played.
var generation = rehometesting.V10()

// Run plays KubeBlocks on an API server with its kinds until the context ends. Each Cluster has that many volumes, and so each Restore
// as many Jobs.
func Run(ctx context.Context, config *rest.Config, volumes int) error {
	config = rest.CopyConfig(config)
	config.QPS = -1 // no limit
	mgr, err := ctrl.NewManager(config, options())
	if err != nil {
		return fmt.Errorf("create the manager of the stand-in: %w", err)
	}
	for _, setUp := range []func(ctrl.Manager) error{setUpComponents, setUpRestores, setUpJobs(volumes)} {
		if err := setUp(mgr); err != nil {
			return fmt.Errorf("set up the stand-in: %w", err)
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
		// One process plays KubeBlocks on one control plane after another.
		Controller: ctrlconfig.Controller{SkipNameValidation: ptr.To(true), MaxConcurrentReconciles: workers},
		Cache: cache.Options{
			DefaultTransform: cache.TransformStripManagedFields(),
			ByObject:         map[client.Object]cache.ByObject{&batchv1.Job{}: {Label: ofRestores}},
		},
	}
}
