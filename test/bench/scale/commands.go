package scale

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
)

// The subcommands that Rehome is compared with, and what they write when they are done.
const (
	plainName, plainSynced = "plain", "synced"
	listName, listDone     = "list", "listed"
)

// NewCommands returns the hidden commands that Rehome is compared with. Each runs in a process of its own, as Rehome runs.
func NewCommands() []*cobra.Command {
	return []*cobra.Command{
		newCommand(plainName, "Cache whole objects of the kinds that Rehome watches", Plain),
		newCommand(listName, "List the objects that Rehome caches", List),
	}
}

func newCommand(name, short string, run func(context.Context, *rest.Config, io.Writer) error) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := ctrl.GetConfig()
			if err != nil {
				return fmt.Errorf("find the API server: %w", err)
			}
			return run(cmd.Context(), config, cmd.OutOrStdout())
		},
	}
}
