package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/rehome-operator/rehome/test/controlplane/assets"
	"github.com/rehome-operator/rehome/test/controlplane/progress"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

// ownProgramsVariable is the environment variable with a folder of the reader's own programs. envtest uses it, too.
const ownProgramsVariable = "KUBEBUILDER_ASSETS"

// rehomeStep is the name of the step that builds Rehome.
const rehomeStep = "rehome"

// build builds the missing programs.
func (d *demo) build(ctx context.Context) error {
	cache, err := kubeblocks.CacheDir()
	if err != nil {
		return err
	}
	own := os.Getenv(ownProgramsVariable)
	if err := d.announceBuilds(own, cache); err != nil {
		return err
	}
	d.assets = filepath.Join(d.temp, "bin")
	if err := os.Mkdir(d.assets, 0o755); err != nil {
		return err
	}
	if err := assets.Collect(ctx, own, d.assets, d.steps); err != nil {
		return err
	}
	if err := d.version.Build(ctx, cache, d.steps); err != nil {
		return err
	}
	if d.programs, err = d.version.Programs(cache); err != nil {
		return err
	}
	return d.steps.Step(rehomeStep, func() error {
		d.binary, err = rehome.Build(ctx)
		return err
	})
}

// announceBuilds prints what will be built, how long that takes, and how to skip most of it.
func (d *demo) announceBuilds(own, cache string) error {
	controlPlane, err := assets.Missing(own)
	if err != nil {
		return err
	}
	d.steps.Expect(controlPlane...)
	d.steps.Expect(d.version.Missing(cache)...)
	binary, err := repository.Cache("bin", "rehome")
	if err != nil {
		return err
	}
	if _, err := os.Stat(binary); err != nil {
		d.steps.Expect(progress.Estimate{Name: rehomeStep, Duration: time.Minute})
	}
	if left := d.steps.Left(); left != "" {
		d.printf("Missing programs are built from Go modules, once: %s.", left)
	}
	if len(controlPlane) > 0 {
		d.printf("To skip the control plane's builds, set %s to a folder with your own etcd, kube-apiserver, kube-scheduler,"+
			" kube-controller-manager and kwok.", ownProgramsVariable)
	}
	d.printf("")
	return nil
}
