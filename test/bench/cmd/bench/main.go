// Command bench runs the benchmarks one after another and prints their table.
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

	"github.com/rehome-operator/rehome/test/bench/floor"
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
	r := runner{benchmarks: benchmarks()}
	var only []string
	var o output
	cmd := &cobra.Command{
		Use:           "bench",
		Short:         "Measure Rehome beside what it is compared with, on this machine and in one run",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// What the client libraries log would stand between the steps.
			ctrl.SetLogger(logr.Discard())
			klog.SetLogger(logr.Discard())
			if err := r.choose(only); err != nil {
				return err
			}
			if err := r.prepare(cmd.Context(), cmd.ErrOrStderr()); err != nil {
				return err
			}
			o.stdout = cmd.OutOrStdout()
			found, err := r.run(cmd.Context())
			return errors.Join(err, o.write(found))
		},
	}
	cmd.Flags().StringSliceVar(&only, "only", nil, "benchmarks to run, of "+names(benchmarks())+" (default: all)")
	cmd.Flags().BoolVar(&r.options.Smoke, "smoke", false, "the smallest sizes: to see whether the benchmarks work")
	cmd.Flags().StringVar(&o.markdown, "markdown", "", "file to write the table to as Markdown (default: standard output)")
	cmd.Flags().StringVar(&o.json, "json", "", "file to write the table to as JSON")
	cmd.AddCommand(append(scale.NewCommands(), newFloorCommand())...)
	return cmd
}

// newFloorCommand runs the floor as a process of its own, as Rehome is one.
func newFloorCommand() *cobra.Command {
	var serve floor.Addresses
	cmd := &cobra.Command{
		Use:    "floor",
		Short:  "Unblock restores, knowing the answer",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctrl.SetLogger(klog.Background())
			config, err := ctrl.GetConfig()
			if err != nil {
				return fmt.Errorf("find the control plane: %w", err)
			}
			return floor.Run(cmd.Context(), config, serve)
		},
	}
	cmd.Flags().StringVar(&serve.Probes, "health-probe-bind-address", "0", "address of /readyz")
	cmd.Flags().StringVar(&serve.Metrics, "metrics-bind-address", "0", "address of the metrics")
	return cmd
}
