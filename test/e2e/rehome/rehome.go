// Package rehome builds Rehome from this repository and runs it on a control plane.
package rehome

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
	"github.com/rehome-operator/rehome/test/e2e/program"
)

// Build builds the binary from the working tree, and returns its path. Without a change, Go's build cache makes it quick.
func Build(ctx context.Context) (string, error) {
	root, err := repository.Root()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(root, ".cache", "bin", "rehome")
	_, err = output(ctx, "go", "build", "-C", root, "-o", binary, ".")
	return binary, err
}

// output returns the standard output of a command. The error contains the standard error.
func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// Start installs the CRDs and runs the operator with the rights of an administrator.
func Start(ctx context.Context, cp *controlplane.ControlPlane, binary string, flags ...string) (*program.Program, error) {
	if err := InstallCRDs(cp.Config()); err != nil {
		return nil, err
	}
	return Run(ctx, cp, binary, nil, flags)
}

// Run runs the operator, and returns when it is ready. It serves metrics only where a flag says so. It ends with the control plane,
// or with Stop.
func Run(ctx context.Context, cp *controlplane.ControlPlane, binary string, env, flags []string) (*program.Program, error) {
	p, err := Launch(cp, binary, env, flags)
	if err != nil {
		return nil, err
	}
	if err := p.WaitReady(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// Launch is Run that does not wait until the operator is ready.
func Launch(cp *controlplane.ControlPlane, binary string, env, flags []string) (*program.Program, error) {
	return program.Start(cp, "rehome", binary, env, append([]string{"manager", "--metrics-bind-address=0"}, flags...))
}
