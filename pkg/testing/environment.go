// Package testing holds what several packages' tests share: an API server with KubeBlocks' kinds, and builders of objects.
package testing

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// StartTimeout is how long an API server may take to start: tests of several packages run at once, on as few as two cores.
const StartTimeout = 2 * time.Minute

// Start starts an API server that serves the kinds of a generation of KubeBlocks, and Rehome's own. No controller runs beside it: what
// KubeBlocks, the scheduler or the garbage collector would do, a test does. The caller stops it.
func Start(g Generation) (*envtest.Environment, error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return nil, fmt.Errorf("KUBEBUILDER_ASSETS does not say where etcd and kube-apiserver are: run `make test-unit`")
	}
	own, err := ownCRDs()
	if err != nil {
		return nil, err
	}
	environment := &envtest.Environment{
		CRDs: g.CRDs(), CRDDirectoryPaths: []string{own}, ErrorIfCRDPathMissing: true, UseExistingCluster: ptr.To(false),
		ControlPlaneStartTimeout: StartTimeout,
	}
	if _, err := environment.Start(); err != nil {
		return nil, fmt.Errorf("start an API server: %w", err)
	}
	return environment, nil
}

// ownCRDs returns the folder of Rehome's own definitions. Tests run in the folder of their package, somewhere below the root.
func ownCRDs() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		crds := filepath.Join(dir, "config", "crd")
		if _, err := os.Stat(crds); err == nil {
			return crds, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no folder above this one holds config/crd")
		}
	}
}
