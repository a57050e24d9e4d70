package kubeblocks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

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
	programs := v.programs(cache)
	for _, path := range []string{programs.Manager, programs.DataProtection} {
		if _, err := os.Stat(path); err != nil {
			return Programs{}, fmt.Errorf("KubeBlocks %s is not built, `go run ./cmd/kubeblocks build %[1]s` in test/e2e does it: %w", v, err)
		}
	}
	return programs, nil
}

func (v Version) programs(cache string) Programs {
	return Programs{
		Manager:        filepath.Join(cache, v.Name, "manager"),
		DataProtection: filepath.Join(cache, v.Name, "dataprotection"),
	}
}

// Build builds the missing binaries into the folder cache, an absolute path, and reports to r. It takes two to five minutes on two cores.
func (v Version) Build(ctx context.Context, cache string, r *progress.Reporter) error {
	dir, err := v.module().Download(ctx)
	if err != nil {
		return err
	}
	programs := v.programs(cache)
	if err := v.build(ctx, dir, "manager", programs.Manager, r); err != nil {
		return err
	}
	return v.build(ctx, dir, "dataprotection", programs.DataProtection, r)
}

// build builds one program in the folder of the module, so that the replaces in its go.mod apply.
func (v Version) build(ctx context.Context, dir, name, output string, r *progress.Reporter) error {
	return build.Run(ctx, build.Target{
		Name:    fmt.Sprintf("kubeblocks %s %s", name, v),
		Dir:     dir,
		Package: "./cmd/" + name,
		Output:  output,
		LDFlags: "-s -w",
	}, r)
}
