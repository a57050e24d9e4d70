// Package build builds Go main packages, each in the folder of its own module, into a cache folder.
//
// What is there is not built again. A binary appears under its name only when it is whole, whatever interrupts the
// build, and the next build goes on from Go's build cache. Several processes may build into one folder at a time.
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
	// lockInterval is how often a lock held by another process is tried again.
	lockInterval = 200 * time.Millisecond
	// cancelGrace is how long the go command may take to remove its temporary files after an interrupt.
	cancelGrace = 10 * time.Second
)

// Target is one binary.
type Target struct {
	// Name is what people read, such as "kube-apiserver v1.37.2".
	Name string
	// Dir is the folder of the module, or a folder in it, where the go command runs. It may be read-only.
	Dir string
	// Package is the main package: an import path, or relative to Dir, such as "./cmd/manager".
	Package string
	// Output is the absolute path of the binary. Its folder is made if missing, and also holds the lock (.lock) and,
	// after a failure, the output of the go command (Output with ".log" appended).
	Output string
	// LDFlags are the linker's flags, such as "-s -w".
	LDFlags string
}

// Run builds t unless its output is there, and reports to p if it does. An error is one line that says why, a full disk
// and a failed download in plain words, and where the whole output of the go command is.
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

// buildLocked builds t unless another process did so while this one waited for the lock.
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

// build builds to a temporary name, so that Output is never a part of a binary.
func (t Target) build(ctx context.Context) error {
	partial, log := t.Output+".partial", t.Output+".log"
	// One may be left by a process that was killed. The lock says that nobody writes it now.
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

func (t Target) goBuild(ctx context.Context, output string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", t.LDFlags, "-o", output, t.Package)
	cmd.Dir = t.Dir
	// Static, and by the module's own requirements only.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	// Unlike a kill, an interrupt lets the go command remove its temporary files.
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
