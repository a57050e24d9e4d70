// Package assets builds the programs of the control plane into a cache folder of the repository.
//
// The name of the folder has the versions, which the modules in test/controlplane/components pin, and a hash of all that the programs are
// built from. After a change of any of it, the next build makes a new folder. envtest can use the folder as KUBEBUILDER_ASSETS.
package assets

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/rehome-operator/rehome/test/controlplane/build"
	"github.com/rehome-operator/rehome/test/controlplane/progress"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

// componentsFolder is the repository's folder of the modules that pin and build the programs.
const componentsFolder = "test/controlplane/components"

// Dir returns the cache folder for the versions that the repository of the working directory pins. It may not exist.
func Dir() (string, error) {
	p, err := locatePins()
	if err != nil {
		return "", err
	}
	return p.dir(), nil
}

// Build builds the programs that are missing in Dir, reports to r, and returns Dir.
func Build(ctx context.Context, r *progress.Reporter) (string, error) {
	p, err := locatePins()
	if err != nil {
		return "", err
	}
	for _, target := range append(p.targets(), p.kubectl()) {
		if err := build.Run(ctx, target, r); err != nil {
			return "", err
		}
	}
	return p.dir(), p.writeStages(ctx)
}

// locatePins reads the pins of the repository of the working directory.
func locatePins() (pins, error) {
	root, err := repository.Root()
	if err != nil {
		return pins{}, err
	}
	return readPins(filepath.Join(root, componentsFolder))
}

// dir returns the cache folder.
func (p pins) dir() string {
	root := strings.TrimSuffix(p.components, componentsFolder)
	return filepath.Join(root, ".cache", "controlplane", p.key())
}
