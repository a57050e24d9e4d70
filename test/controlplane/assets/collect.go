package assets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/rehome-operator/rehome/test/controlplane/build"
	"github.com/rehome-operator/rehome/test/controlplane/progress"
)

// durations are the build times on two idle cores.
var durations = map[string]time.Duration{
	"etcd":                    20 * time.Second,
	"kwok":                    20 * time.Second,
	"kube-apiserver":          3 * time.Minute,
	"kube-scheduler":          50 * time.Second,
	"kube-controller-manager": time.Minute,
}

// Missing estimates the builds that Collect would run: those of programs that are neither in the folder own nor in Dir.
func Missing(own string) ([]progress.Estimate, error) {
	p, err := locatePins()
	if err != nil {
		return nil, err
	}
	var missing []progress.Estimate
	for _, target := range p.targets() {
		path, err := p.find(target, own)
		if err != nil {
			return nil, err
		}
		if path == "" {
			missing = append(missing, progress.Estimate{Name: target.Name, Duration: durations[filepath.Base(target.Output)]})
		}
	}
	return missing, nil
}

// Collect fills the folder dir with links to all programs, and reports to r. It takes those that the folder own has, of any version, and
// builds the others like Build. own may be empty.
func Collect(ctx context.Context, own, dir string, r *progress.Reporter) error {
	p, err := locatePins()
	if err != nil {
		return err
	}
	for _, target := range p.targets() {
		path, err := p.find(target, own)
		if err != nil {
			return err
		}
		if path == "" {
			if err := build.Run(ctx, target, r); err != nil {
				return err
			}
			path = target.Output
		}
		if err := os.Symlink(path, filepath.Join(dir, filepath.Base(path))); err != nil {
			return err
		}
	}
	return p.collectStages(ctx, dir)
}

// find returns the path of a program in the folder own or in Dir, or an empty string.
func (p pins) find(target build.Target, own string) (string, error) {
	paths := []string{target.Output}
	if own != "" {
		// `make demo` runs in test/e2e, so a relative path is not there, and would be ignored.
		if _, err := os.Stat(own); err != nil {
			return "", fmt.Errorf("KUBEBUILDER_ASSETS must be the absolute path of a folder: %w", err)
		}
		path, err := filepath.Abs(filepath.Join(own, filepath.Base(target.Output)))
		if err != nil {
			return "", err
		}
		paths = []string{path, target.Output}
	}
	for _, path := range paths {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, err
		}
	}
	return "", nil
}

// collectStages writes Stages. The module of kwok is not in the module cache where kwok was not built.
func (p pins) collectStages(ctx context.Context, dir string) error {
	download := exec.CommandContext(ctx, "go", "mod", "download", kwokModule)
	download.Dir = p.moduleDir("kwok")
	download.Env = append(os.Environ(), "GOWORK=off")
	if output, err := download.CombinedOutput(); err != nil {
		return fmt.Errorf("downloading kwok %s: %w: %s", p.kwok, err, output)
	}
	stages, err := p.stages(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, Stages), stages, 0o644)
}
