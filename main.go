// Command rehome gives database clusters restored by KubeBlocks scheduling rules of their own.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/controllers"
	"github.com/rehome-operator/rehome/pkg/cli"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

func main() {
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	root := cli.NewRoot(newManager(), cli.NewRewrite(streams), cli.NewVersion())
	err := root.ExecuteContext(ctrl.SetupSignalHandler())
	if err != nil && err.Error() != "" {
		fmt.Fprintln(os.Stderr, "rehome:", err)
	}
	os.Exit(cli.ExitStatus(err))
}

// managerOptions are the flags of `rehome manager`.
type managerOptions struct {
	metricsAddress string
	probeAddress   string
	leaderElect    bool
	leaseNamespace string
	config         string
	log            zap.Options
}

func newManager() *cobra.Command {
	o := &managerOptions{}
	cmd := &cobra.Command{
		Use:   "manager",
		Short: "Run the operator",
		Long: "Run the operator against the cluster that --kubeconfig, $KUBECONFIG, the Pod's service account or ~/.kube/config\n" +
			"names, in this order.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	flags := flag.NewFlagSet("manager", flag.ExitOnError)
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", "0", `address of the metrics endpoint; "0" serves none`)
	flags.StringVar(&o.probeAddress, "health-probe-bind-address", ":8081", `address of /healthz and /readyz; "0" serves none`)
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "let one of several managers act; needed when more than one runs")
	flags.StringVar(&o.leaseNamespace, "leader-election-namespace", "", "namespace of the lease (default: the Pod's own)")
	flags.StringVar(&o.config, "config", "", "configuration file; without one, everything has its default")
	o.log.BindFlags(flags)
	config.RegisterFlags(flags)
	cmd.Flags().AddGoFlagSet(flags)
	return cmd
}

func (o *managerOptions) run(ctx context.Context) error {
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&o.log)))
	settings, err := configv1alpha1.LoadFile(o.config)
	if err != nil {
		return err
	}
	cfg, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find a Kubernetes cluster: %w", err)
	}
	apps, err := kubeblocks.DiscoverAt(cfg)
	if err != nil {
		return err
	}
	mgr, err := ctrl.NewManager(cfg, o.manager(apps))
	if err != nil {
		return fmt.Errorf("create the manager: %w", err)
	}
	reconciler := &controllers.ClusterReconciler{
		Client:      client.WithFieldOwner(mgr.GetClient(), string(controllers.FieldOwner)),
		Metadata:    mgr.GetAPIReader(),
		PendingPods: mgr.GetCache(),
		Recorder:    mgr.GetEventRecorder("rehome"),
		Clock:       clock.RealClock{},
		Apps:        apps,
		Config:      *settings,
		Metrics:     controllers.NewMetrics(metrics.Registry, cli.Version()),
	}
	if err := reconciler.SetupWithManager(mgr); err != nil {
		return err
	}
	if err := addChecks(mgr); err != nil {
		return err
	}
	ctrl.Log.Info("Starting", "version", cli.Version(), "clusters", apps.String(), "configuration", settings.String())
	return mgr.Start(ctx)
}

func (o *managerOptions) manager(apps schema.GroupVersion) ctrl.Options {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	kubeblocks.AddToScheme(scheme, apps)
	v1alpha1.AddToScheme(scheme)
	return ctrl.Options{
		Scheme:                  scheme,
		Metrics:                 metricsserver.Options{BindAddress: o.metricsAddress},
		HealthProbeBindAddress:  o.probeAddress,
		LeaderElection:          o.leaderElect,
		LeaderElectionID:        "rehome.kubeblocks.io",
		LeaderElectionNamespace: o.leaseNamespace,
		// A leader that stops lets the next one begin at once.
		LeaderElectionReleaseOnCancel: true,
		Cache: cache.Options{
			DefaultTransform: cache.TransformStripManagedFields(),
			ByObject:         controllers.CacheByObject(),
		},
		Client: client.Options{Cache: &client.CacheOptions{DisableFor: controllers.Uncached()}},
	}
}

// addChecks makes /healthz say that the process lives, and /readyz that its caches hold what the API server does.
func addChecks(mgr ctrl.Manager) error {
	if err := mgr.AddHealthzCheck("ping", func(*http.Request) error { return nil }); err != nil {
		return fmt.Errorf("add the health check: %w", err)
	}
	synced := func(req *http.Request) error {
		if !mgr.GetCache().WaitForCacheSync(req.Context()) {
			return fmt.Errorf("caches have not synced")
		}
		return nil
	}
	if err := mgr.AddReadyzCheck("caches", synced); err != nil {
		return fmt.Errorf("add the readiness check: %w", err)
	}
	return nil
}
