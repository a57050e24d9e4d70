// Command rehome-placement says with kube-scheduler's own plugins why Pods have no node, and whether a restore would fit. `rehome explain`
// and `rehome preflight` run it: the program rehome does not link Kubernetes.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rehome-operator/rehome/pkg/cli"
	"github.com/rehome-operator/rehome/placement/scheduler"
)

func main() {
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	root := cli.NewPlacementRoot(streams, scheduler.New, scheduler.FromFile)
	root.SetArgs(os.Args[1:])
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := cli.Execute(ctx, root, os.Stderr)
	stop()
	os.Exit(status)
}
