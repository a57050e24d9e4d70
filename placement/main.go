// Command rehome-placement says with kube-scheduler's own plugins why Pods have no node, and whether a restore would fit. `rehome explain`
// and `rehome preflight` run it: the program rehome does not link Kubernetes.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"

	"github.com/rehome-operator/rehome/pkg/cli"
	"github.com/rehome-operator/rehome/placement/scheduler"
)

func main() {
	klog.SetLogger(logr.Discard()) // Plugins log what the commands say better.
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	root := cli.NewPlacementRoot(streams, scheduler.New, scheduler.FromFile)
	root.SetArgs(os.Args[1:])
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root.ExecuteContext(ctx)
	stop()
	if err != nil && err.Error() != "" {
		fmt.Fprintf(os.Stderr, "%s: %v\n", root.DisplayName(), err)
	}
	os.Exit(cli.ExitStatus(err))
}
