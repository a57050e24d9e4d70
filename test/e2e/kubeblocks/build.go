package kubeblocks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rehome-operator/rehome/test/controlplane/build"
	"github.com/rehome-operator/rehome/test/controlplane/progress"
)

// Programs are the paths of KubeBlocks' binaries.
type Programs struct {
	Manager        string
	DataProtection string
}

// Programs returns the binaries in the folder cache. The error says how to build a missing one.
func (v Version) Programs(cache string) (Programs, error) {
	for _, target := range v.targets(cache) {
		if _, err := os.Stat(target.Output); err != nil {
			return Programs{}, fmt.Errorf("KubeBlocks %s is not built, `go run ./cmd/kubeblocks build %[1]s` in test/e2e does it: %w", v, err)
		}
	}
	return Programs{Manager: v.path(cache, manager), DataProtection: v.path(cache, dataProtection)}, nil
}

// Missing estimates the builds that Build would run.
func (v Version) Missing(cache string) []progress.Estimate {
	durations := map[string]time.Duration{manager: 2 * time.Minute, dataProtection: 5 * time.Second}
	var missing []progress.Estimate
	for _, target := range v.targets(cache) {
		if _, err := os.Stat(target.Output); err != nil {
			missing = append(missing, progress.Estimate{Name: target.Name, Duration: durations[filepath.Base(target.Output)]})
		}
	}
	return missing
}

// Build builds the missing binaries into the folder cache, an absolute path, and reports to r. Two versions take 5 to 7 minutes on two cores.
func (v Version) Build(ctx context.Context, cache string, r *progress.Reporter) error {
	dir, err := v.module().Download(ctx)
	if err != nil {
		return err
	}
	for _, target := range v.targets(cache) {
		target.Dir = dir // so that the replaces in the go.mod of the module apply
		if err := build.Run(ctx, target, r); err != nil {
			return err
		}
	}
	return nil
}

// The programs, which are the names of their packages, too.
const (
	manager        = "manager"
	dataProtection = "dataprotection"
)

// targets returns the binaries, without the folder of the module.
func (v Version) targets(cache string) []build.Target {
	target := func(name string) build.Target {
		return build.Target{
			Name:    fmt.Sprintf("kubeblocks %s %s", name, v),
			Package: "./cmd/" + name,
			Output:  v.path(cache, name),
			LDFlags: "-s -w",
		}
	}
	return []build.Target{target(manager), target(dataProtection)}
}

func (v Version) path(cache, program string) string { return filepath.Join(cache, v.Name, program) }
