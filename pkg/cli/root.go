// Package cli holds the commands behind main.
package cli

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// pluginName is how the command is called as a plugin of kubectl.
const pluginName = "kubectl rehome"

// DisplayName returns how the program with this path is called by its user.
func DisplayName(program string) string {
	if base := baseName(program); base == "kubectl-rehome" || base == completionProgram {
		return pluginName
	}
	return "rehome"
}

// completionProgram is the name under which kubectl runs a plugin to complete its arguments.
const completionProgram = "kubectl_complete-rehome"

func baseName(program string) string { return strings.TrimSuffix(filepath.Base(program), ".exe") }

// Arguments returns the arguments of the command, without the program's own path.
func Arguments(args []string) []string {
	if baseName(args[0]) == completionProgram {
		return append([]string{cobra.ShellCompRequestCmd}, args[1:]...)
	}
	return args[1:]
}

// NewRoot returns the command of a display name, with its subcommands. A plugin of kubectl hides the operator.
func NewRoot(name string, manager *cobra.Command, subcommands ...*cobra.Command) *cobra.Command {
	root := &cobra.Command{
		Use:         "rehome",
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: name},
		Short:       rootShort,
		Version:     Version(),
		// main prints an error as one line.
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate(clientLine())
	if manager != nil {
		manager.Hidden = name == pluginName
		root.AddCommand(manager)
	}
	root.AddCommand(subcommands...)
	return root
}
