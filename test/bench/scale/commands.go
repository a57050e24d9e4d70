package scale

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
)

// What the programs beside Rehome are called by, and what they write when they are done.
const (
	plainName, plainSynced = "plain", "synced"
	listName, listDone     = "list", "listed"
)

// NewCommands are the programs that Rehome is measured beside: hidden commands, for they are processes of their own, as Rehome is one.
func NewCommands() []*cobra.Command {
	return []*cobra.Command{
		newCommand(plainName, "Cache what Rehome watches, as it is", Plain),
		newCommand(listName, "List what Rehome caches", List),
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
