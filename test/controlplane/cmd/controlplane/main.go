// Command controlplane builds the programs of a test control plane: etcd, kube-apiserver, kube-scheduler, kube-controller-manager, and kwok,
// which simulates nodes.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rehome-operator/rehome/test/controlplane/assets"
	"github.com/rehome-operator/rehome/test/controlplane/progress"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		os.Exit(1) // cobra has printed the error
	}
}

func newCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:          "controlplane",
		Short:        "Build a Kubernetes control plane with simulated nodes",
		SilenceUsage: true,
	}
	cmd.AddCommand(newBuildCommand(), newDirCommand())
	return cmd
}

func newBuildCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "Build the missing programs (about 6 minutes on two cores, once)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := assets.Build(cmd.Context(), progress.New(cmd.ErrOrStderr()))
			return err
		},
	}
}

func newDirCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "dir",
		Short: "Print the folder of the built programs, for KUBEBUILDER_ASSETS",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := assets.Dir()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), dir)
			return err
		},
	}
}
