// Command kubeblocks builds the versions of KubeBlocks that Rehome is tested with, and runs a control plane with their kinds.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/test/controlplane/progress"
	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
)

func main() {
	log.SetLogger(logr.Discard()) // the log of client libraries would hide the output
	if err := run(); err != nil {
		os.Exit(1) // cobra has printed the error
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return newCommand().ExecuteContext(ctx)
}

func newCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:          "kubeblocks",
		Short:        "Build the versions of KubeBlocks that Rehome is tested with, and run a control plane with their kinds",
		SilenceUsage: true,
	}
	cmd.AddCommand(newBuildCommand(), newRunCommand())
	return cmd
}

func newBuildCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "build [version...]",
		Short:     "Build the given versions, or all; skip those that are built",
		ValidArgs: kubeblocks.Names(),
		Args:      cobra.OnlyValidArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = kubeblocks.Names()
			}
			return build(cmd, args)
		},
	}
}

func build(cmd *cobra.Command, names []string) error {
	cache, err := kubeblocks.CacheDir()
	if err != nil {
		return err
	}
	reporter := progress.New(cmd.ErrOrStderr())
	for _, name := range names {
		version, err := kubeblocks.Find(name)
		if err != nil {
			return err
		}
		if err := version.Build(cmd.Context(), cache, reporter); err != nil {
			return err
		}
	}
	return nil
}
