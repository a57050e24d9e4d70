// Command demo shows a restore that is stuck on a real control plane with a real KubeBlocks, and how Rehome unblocks it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
)

func main() {
	// The logs of client libraries would hide the steps.
	log.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
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
	var o options
	cmd := &cobra.Command{
		Use:           "demo",
		Short:         "Show a stuck restore on a real KubeBlocks, and how Rehome unblocks it",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.version, err = kubeblocks.Find(version); err != nil {
				return err
			}
			return runDemo(cmd.Context(), o, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&version, "kubeblocks", kubeblocks.Names()[0], "version of KubeBlocks")
	cmd.Flags().BoolVar(&o.prevent, "prevent", false, "start Rehome with its webhook before the restore")
	cmd.Flags().StringVar(&o.record, "record", "", "file that the demo is recorded in, for the pictures of the README")
	return cmd
}
