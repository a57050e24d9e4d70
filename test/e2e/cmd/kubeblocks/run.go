package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

func newRunCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "run version",
		Short:     "Start a control plane with the kinds of KubeBlocks and Rehome, and print how to run Rehome on it in a debugger",
		ValidArgs: kubeblocks.Names(),
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runControlPlane(cmd.Context(), args[0], cmd.OutOrStdout())
		},
	}
}

const help = `The kinds of Rehome and of KubeBlocks %s are defined. KubeBlocks does not run. Ctrl-C stops the control plane.
    export KUBECONFIG=%s
    dlv debug . -- manager --kubeconfig "$KUBECONFIG"
    kubectl apply -k config/samples
`

// runControlPlane runs a control plane until the context ends.
func runControlPlane(ctx context.Context, name string, out io.Writer) (err error) {
	version, err := kubeblocks.Find(name)
	if err != nil {
		return err
	}
	cp, err := controlplane.Start(ctx, controlplane.Options{Nodes: fixture.Nodes()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cp.Stop()) }()
	if err := version.Install(ctx, cp.Config()); err != nil {
		return err
	}
	if err := rehome.InstallCRDs(cp.Config()); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, help, version, cp.Kubeconfig()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
