// Package cli holds the commands behind main.
package cli

import "github.com/spf13/cobra"

// NewRoot returns the rehome command with its subcommands.
func NewRoot(subcommands ...*cobra.Command) *cobra.Command {
	root := &cobra.Command{
		Use:   "rehome",
		Short: "Gives database clusters restored by KubeBlocks scheduling rules of their own",
		// An error is one line for people; it is printed by main.
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(subcommands...)
	return root
}
