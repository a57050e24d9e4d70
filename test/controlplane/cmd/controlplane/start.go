package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/assets"
	"github.com/rehome-operator/rehome/test/controlplane/progress"
)

func newStartCommand() *cobra.Command {
	var nodes, zones int
	var crds []string
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start a control plane, print the path of its kubeconfig, and run until interrupted",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := start(cmd.Context(), nodesInZones(nodes, zones), progress.New(cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			if err := c.Define(cmd.Context(), crds...); err != nil {
				return errors.Join(err, c.Stop())
			}
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), c.Kubeconfig()); err != nil {
				return errors.Join(err, c.Stop())
			}
			<-cmd.Context().Done()
			return c.Stop()
		},
	}
	cmd.Flags().IntVar(&nodes, "nodes", 3, "number of nodes")
	cmd.Flags().IntVar(&zones, "zones", 3, "number of zones of the nodes; 0 for nodes without zone")
	cmd.Flags().StringSliceVar(&crds, "crds", nil, "folders with CustomResourceDefinitions to create")
	return cmd
}

// start builds missing programs, and starts a control plane.
func start(ctx context.Context, nodes []controlplane.Node, r *progress.Reporter) (c *controlplane.ControlPlane, err error) {
	dir, err := assets.Build(ctx, r)
	if err != nil {
		return nil, err
	}
	err = r.Step("control plane", func() error {
		c, err = controlplane.Start(ctx, controlplane.Options{Assets: dir, Nodes: nodes})
		return err
	})
	return c, err
}

// nodesInZones returns node-1, node-2, ... in zone-1, zone-2, ... and again zone-1.
func nodesInZones(nodes, zones int) []controlplane.Node {
	list := make([]controlplane.Node, nodes)
	for i := range list {
		list[i].Name = fmt.Sprintf("node-%d", i+1)
		if zones > 0 {
			list[i].Zone = fmt.Sprintf("zone-%d", i%zones+1)
		}
	}
	return list
}
