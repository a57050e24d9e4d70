// Package build builds Go main packages, each in the folder of its own module, into a cache folder.
//
// A binary that exists is not built again. It gets its name only when it is complete, so an interrupted build leaves no part of a
// binary. The next build continues from Go's build cache. Several processes may build into one folder at a time.
package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/rehome-operator/rehome/test/controlplane/progress"
)

const (
	// lockInterval is the time between attempts to get the lock.
	lockInterval = 200 * time.Millisecond
	// cancelGrace is the time that the go command gets to remove its temporary files after an interrupt.
	cancelGrace = 10 * time.Second
)

// Target is one binary.
type Target struct {
	// Name is used in reports, such as "kube-apiserver v1.37.2".
	Name string
	// Dir is the folder of the module, or a folder in it. The go command runs there. It may be read-only.
	Dir string
	// Package is the main package: an import path, or relative to Dir, such as "./cmd/manager".
	Package string
	// Output is the absolute path of the binary. Its folder is created, and also has the lock (.lock) and, after a failure, the output of
	// the go command (Output with ".log" appended).
	Output string
	// LDFlags are the linker's flags, such as "-s -w".
	LDFlags string
}

// Run builds t and reports to p, unless its output exists. An error is one line with the reason and the path of the go command's
// output.
func Run(ctx context.Context, t Target, p *progress.Reporter) error {
	if built, err := t.isBuilt(); built || err != nil {
		return err
	}
	return p.Step(t.Name, func() error {
		if err := t.buildLocked(ctx); err != nil {
			return fmt.Errorf("building %s: %w", t.Name, err)
		}
		return nil
	})
}

func (t Target) isBuilt() (bool, error) {
	_, err := os.Stat(t.Output)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// buildLocked builds t unless another process built it while this one waited for the lock.
func (t Target) buildLocked(ctx context.Context) error {
	dir := filepath.Dir(t.Output)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(dir, ".lock"))
	if _, err := lock.TryLockContext(ctx, lockInterval); err != nil {
		return fmt.Errorf("waiting for another build into %s: %w", dir, err)
	}
	defer func() { _ = lock.Close() }()

	if built, err := t.isBuilt(); built || err != nil {
		return err
	}
	return t.build(ctx)
}

// build builds to a temporary name, so Output is never part of a binary.
func (t Target) build(ctx context.Context) error {
	partial, log := t.Output+".partial", t.Output+".log"
	// A killed process may have left one. No other process writes it, because this one has the lock.
	if err := removeIfThere(partial); err != nil {
		return err
	}
	output, err := t.goBuild(ctx, partial).CombinedOutput()
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), removeIfThere(partial))
	}
	if err != nil {
		return explain(err, output, log)
	}
	if err := removeIfThere(log); err != nil {
		return err
	}
	return os.Rename(partial, t.Output)
}

// goBuild returns the command that builds t to the given path. Unlike "go build", "go run" keeps what it links in Go's build cache, so
// another clone links nothing again. It runs "cp PROGRAM output".
func (t Target) goBuild(ctx context.Context, output string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", "run", "-trimpath", "-ldflags", t.LDFlags, "-exec", "cp", t.Package, output)
	cmd.Dir = t.Dir
	// Static, and with the module's own requirements only.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	// After an interrupt, unlike a kill, the go command removes its temporary files.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = cancelGrace
	return cmd
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
