package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// NewForwards returns the commands that another program has: it links the scheduler's plugins, which this one does not.
func NewForwards(streams genericiooptions.IOStreams) []*cobra.Command {
	return []*cobra.Command{
		newForward(streams, "explain", forwardExplain, explainShort),
		newForward(streams, "preflight", forwardPreflight, preflightShort),
	}
}

func newForward(streams genericiooptions.IOStreams, name, use, short string) *cobra.Command {
	return &cobra.Command{
		Use:                use,
		Short:              short,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return badInput(forward(cmd.Context(), streams, name, cmd.Root().DisplayName(), args))
		},
	}
}

// forward runs the other program with the same arguments, and ends as it does.
func forward(ctx context.Context, streams genericiooptions.IOStreams, name, display string, args []string) error {
	program, err := findPlacement()
	if err != nil {
		return fmt.Errorf(problemNoPlacement, name)
	}
	run := exec.CommandContext(ctx, program, append([]string{name}, args...)...) //nolint:gosec // the arguments are the user's own
	run.Stdin, run.Stdout, run.Stderr = streams.In, streams.Out, streams.ErrOut
	run.Env = append(os.Environ(), displayVariable+"="+display)
	var exit *exec.ExitError
	switch err := run.Run(); {
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exitError{status: exit.ExitCode()}
	default:
		return err
	}
}

// displayVariable tells the other program how this one is called.
const displayVariable = "REHOME_DISPLAY_NAME"

// findPlacement returns the path of the other program: beside this one, or in PATH.
func findPlacement() (string, error) {
	name := placementProgram
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if own, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(own); err == nil {
			own = real
		}
		beside := filepath.Join(filepath.Dir(own), name)
		if info, err := os.Stat(beside); err == nil && !info.IsDir() {
			return beside, nil
		}
	}
	return exec.LookPath(name)
}

// NewPlacementRoot returns the command of the other program.
func NewPlacementRoot(streams genericiooptions.IOStreams, newScheduler placement.NewScheduler, fromFile SchedulerFromFile) *cobra.Command {
	name := os.Getenv(displayVariable)
	if name == "" {
		name = placementProgram
	}
	return NewRoot(name, nil, NewExplain(streams, newScheduler, fromFile), NewPreflight(streams, newScheduler))
}
