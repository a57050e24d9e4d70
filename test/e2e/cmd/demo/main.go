// Command demo shows the defect that Rehome ends: a restore that hangs, on a real control plane and a real KubeBlocks, and
// how it goes on as soon as Rehome runs.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
)

func main() {
	log.SetLogger(logr.Discard()) // the demo is all there is to see
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return newCommand().ExecuteContext(ctx)
}

func newCommand() *cobra.Command {
	var version string
	cmd := &cobra.Command{
		Use:           "demo",
		Short:         "See a restore hang on a real KubeBlocks, and Rehome end it",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := kubeblocks.Find(version)
			if err != nil {
				return err
			}
			return runDemo(cmd.Context(), v, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&version, "kubeblocks", "v1.0.2", "version of KubeBlocks")
	return cmd
}
