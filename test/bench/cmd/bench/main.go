// Command bench runs the benchmarks and prints their table.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/rehome-operator/rehome/test/bench/audit"
	"github.com/rehome-operator/rehome/test/bench/baseline"
	"github.com/rehome-operator/rehome/test/bench/scale"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func newCommand() *cobra.Command {
	r := runner{benchmarks: allBenchmarks()}
	var only []string
	var o output
	cmd := &cobra.Command{
		Use:           "bench",
		Short:         "Measure Rehome and its baselines in one run on this machine",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Logs of the client libraries would hide the progress.
			ctrl.SetLogger(logr.Discard())
			klog.SetLogger(logr.Discard())
			if err := r.selectOnly(only); err != nil {
				return err
			}
			if err := r.prepare(cmd.Context(), cmd.ErrOrStderr()); err != nil {
				return err
			}
			o.stdout = cmd.OutOrStdout()
			report, err := r.run(cmd.Context())
			return errors.Join(err, o.write(report))
		},
	}
	cmd.Flags().StringSliceVar(&only, "only", nil, "benchmarks to run, of "+joinNames(allBenchmarks())+" (default: all)")
	cmd.Flags().BoolVar(&r.options.Smoke, "smoke", false, "run the smallest sizes, to check that the benchmarks work")
	cmd.Flags().StringVar(&o.markdown, "markdown", "", "file to write the table to as Markdown (default: standard output)")
	cmd.Flags().StringVar(&o.json, "json", "", "file to write the table to as JSON")
	cmd.AddCommand(append(scale.NewCommands(), newBaselineCommand(), audit.NewCommand())...)
	return cmd
}

// newBaselineCommand runs the baseline in a process of its own, as Rehome runs.
func newBaselineCommand() *cobra.Command {
	var serve baseline.Addresses
	cmd := &cobra.Command{
		Use:    "baseline",
		Short:  "Unblock restores with the fewest requests",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctrl.SetLogger(klog.Background())
			config, err := ctrl.GetConfig()
			if err != nil {
				return fmt.Errorf("find the control plane: %w", err)
			}
			return baseline.Run(cmd.Context(), config, serve)
		},
	}
	cmd.Flags().StringVar(&serve.Probes, "health-probe-bind-address", "0", "address of /readyz")
	cmd.Flags().StringVar(&serve.Metrics, "metrics-bind-address", "0", "address of the metrics")
	return cmd
}
