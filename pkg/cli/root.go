// Package cli holds the commands behind main.
package cli

import "github.com/spf13/cobra"

// NewRoot returns the rehome command with its subcommands.
func NewRoot(subcommands ...*cobra.Command) *cobra.Command {
	root := &cobra.Command{
		Use:   "rehome",
		Short: rootShort,
		// main prints an error as one line.
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(subcommands...)
	return root
}
