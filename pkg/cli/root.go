// Package cli holds the commands behind main.
package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"
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
		// Execute prints an error as one line.
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			if cmd != manager {
				discardLogs()
			}
		},
	}
	root.SetVersionTemplate(clientLine())
	if manager != nil {
		manager.Hidden = name == pluginName
		root.AddCommand(manager)
	}
	for _, c := range subcommands {
		c.Example = exampleProgram.ReplaceAllLiteralString(c.Example, "  "+name+" ")
	}
	root.AddCommand(subcommands...)
	refuseBadInput(root)
	return root
}

// refuseBadInput gives wrong flags and arguments of all commands the exit status of bad input.
func refuseBadInput(root *cobra.Command) {
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return badInput(err) }) // subcommands inherit it
	for _, c := range root.Commands() {
		if check := c.Args; check != nil {
			c.Args = func(cmd *cobra.Command, args []string) error { return badInput(check(cmd, args)) }
		}
	}
}

// exampleProgram is the program at the beginning of an example.
var exampleProgram = regexp.MustCompile(`(?m)^  (kubectl )?rehome `)

// discardLogs discards what libraries log: the commands say it better. Without a logger, controller-runtime prints a stack trace after 30
// seconds.
func discardLogs() {
	log.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
}

// Execute runs a command, prints its error as one line, and returns the exit status.
func Execute(ctx context.Context, root *cobra.Command, errOut io.Writer) int {
	cmd, err := root.ExecuteContextC(ctx)
	if cmd == root || refusesArguments(cmd) { // root runs nothing by itself: there is no such command
		err = badInput(err)
	}
	if err != nil && err.Error() != "" {
		fmt.Fprintf(errOut, "%s: %s\n", root.DisplayName(), oneLine(err))
	}
	return ExitStatus(err)
}

// refusesArguments reports whether a command got wrong arguments. refuseBadInput does not know the command completion: cobra adds it when
// the root runs.
func refusesArguments(cmd *cobra.Command) bool { return cmd.ValidateArgs(cmd.Flags().Args()) != nil }
