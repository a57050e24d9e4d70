// Package assets builds the programs of the control plane into a cache folder of the repository.
//
// The folder is named after the versions, which are pinned by the modules in test/controlplane/components: change one
// there, and the next build makes a new folder. envtest can use the folder as KUBEBUILDER_ASSETS.
package assets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rehome-operator/rehome/test/controlplane/build"
	"github.com/rehome-operator/rehome/test/controlplane/progress"
)

// componentsFolder is where, in the repository, the modules are that pin and build the programs.
const componentsFolder = "test/controlplane/components"

// Dir is the cache folder for the versions pinned by the repository that holds the working directory. It need not exist.
func Dir() (string, error) {
	p, err := locatePins()
	if err != nil {
		return "", err
	}
	return p.dir(), nil
}

// Build builds what Dir lacks, reports to r, and returns Dir.
func Build(ctx context.Context, r *progress.Reporter) (string, error) {
	p, err := locatePins()
	if err != nil {
		return "", err
	}
	for _, target := range p.targets() {
		if err := build.Run(ctx, target, r); err != nil {
			return "", err
		}
	}
	return p.dir(), p.writePodStages(ctx)
}

// locatePins reads the pins of the repository that holds the working directory.
func locatePins() (pins, error) {
	start, err := os.Getwd()
	if err != nil {
		return pins{}, err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		components := filepath.Join(dir, componentsFolder)
		_, err := os.Stat(components)
		if err == nil {
			return readPins(components)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return pins{}, err
		}
		if dir == filepath.Dir(dir) {
			return pins{}, fmt.Errorf("neither %s nor a folder above it holds %s", start, componentsFolder)
		}
	}
}

// dir is the cache folder, beside the components.
func (p pins) dir() string { return filepath.Join(filepath.Dir(p.components), ".cache", p.key()) }
