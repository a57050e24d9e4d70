// Command rehome rewrites the scheduling rules of database clusters that KubeBlocks restores.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.uber.org/zap/zapcore"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/cli"
	"github.com/rehome-operator/rehome/pkg/metrics"
	"github.com/rehome-operator/rehome/pkg/operator"
)

func main() {
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	root := cli.NewRoot(cli.DisplayName(os.Args[0]), newManager(),
		cli.NewRewrite(streams), cli.NewStatus(streams), cli.NewAudit(streams), cli.NewVersion(streams))
	root.AddCommand(cli.NewForwards(streams)...)
	root.SetArgs(cli.Arguments(os.Args))
	os.Exit(cli.Execute(ctrl.SetupSignalHandler(), root, os.Stderr))
}

// managerOptions are the flags of `rehome manager`. A flag overrides the configuration file.
type managerOptions struct {
	config         string
	metricsAddress string
	probeAddress   string
	leaderElect    bool
	leaseNamespace string
	webhookAddress string
}

func newManager() *cobra.Command {
	o := &managerOptions{}
	cmd := &cobra.Command{
		Use:   "manager",
		Short: "Run the operator",
		Long: "Run the operator against a Kubernetes cluster. The first of these that exists names it: --kubeconfig, $KUBECONFIG,\n" +
			"the Pod's service account, ~/.kube/config.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	flags := flag.NewFlagSet("manager", flag.ExitOnError)
	flags.StringVar(&o.config, "config", "", "configuration file (default: none, all settings have their defaults)")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", "", `address of the metrics endpoint; "0" disables it`)
	flags.StringVar(&o.probeAddress, "health-probe-bind-address", "", `address of /healthz and /readyz; "0" disables them`)
	flags.StringVar(&o.webhookAddress, "webhook-bind-address", "", `address of the webhook that rewrites rules at admission; "0" disables it`)
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "elect one of several managers to act; required when more than one runs")
	flags.StringVar(&o.leaseNamespace, "leader-election-namespace", "", "namespace of the lease (default: the Pod's own)")
	config.RegisterFlags(flags)
	cmd.Flags().AddGoFlagSet(flags)
	return cmd
}

func (o *managerOptions) run(ctx context.Context) error {
	settings, err := configv1alpha1.LoadFile(o.config)
	if err != nil {
		return err
	}
	o.override(settings)
	ctrl.SetLogger(zap.New(zap.Level(logLevels[settings.LogLevel])))
	klog.SetLogger(ctrl.Log.WithName("client")) // the client library's messages
	cfg, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find a Kubernetes cluster: %w", err)
	}
	ctrl.Log.Info("Starting", "version", cli.Version(), "configuration", settings.String())
	return operator.Run(ctx, cfg, settings, metrics.New(ctrlmetrics.Registry, cli.Version()))
}

// override applies the flags that are set.
func (o *managerOptions) override(settings *configv1alpha1.Configuration) {
	if o.metricsAddress != "" {
		settings.Metrics.BindAddress = o.metricsAddress
	}
	if o.probeAddress != "" {
		settings.Health.BindAddress = o.probeAddress
	}
	if o.webhookAddress != "" {
		settings.Webhook.BindAddress = o.webhookAddress
	}
	if o.leaderElect {
		settings.LeaderElection.Enabled = true
	}
	if o.leaseNamespace != "" {
		settings.LeaderElection.Namespace = o.leaseNamespace
	}
}

// logLevels are zap's. At a lower level than these, the client library logs whole requests with passwords.
var logLevels = map[configv1alpha1.LogLevel]zapcore.Level{
	configv1alpha1.LogError: zapcore.ErrorLevel,
	configv1alpha1.LogInfo:  zapcore.InfoLevel,
	configv1alpha1.LogDebug: zapcore.DebugLevel,
	configv1alpha1.LogTrace: zapcore.Level(-2),
}
