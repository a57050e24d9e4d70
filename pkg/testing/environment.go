// Package testing is shared by the tests of several packages: an API server with KubeBlocks' kinds, and object builders.
package testing

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// StartTimeout bounds the start of an API server. Several start at once, on as few as two cores.
const StartTimeout = 2 * time.Minute

// Start starts an API server with the kinds of a generation of KubeBlocks and Rehome's own. No controller runs beside it: a test
// does the work of KubeBlocks, the scheduler and the garbage collector. The caller stops it.
func Start(g Generation) (*envtest.Environment, error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return nil, fmt.Errorf("KUBEBUILDER_ASSETS must name the folder of etcd and kube-apiserver: run `make test-unit`")
	}
	own, err := fromRoot("config", "crd")
	if err != nil {
		return nil, err
	}
	environment := &envtest.Environment{
		CRDs: g.CRDs(), CRDDirectoryPaths: []string{own}, ErrorIfCRDPathMissing: true, UseExistingCluster: ptr.To(false),
		ControlPlaneStartTimeout: StartTimeout,
	}
	if err := Audit(environment); err != nil {
		return nil, err
	}
	if _, err := environment.Start(); err != nil {
		return nil, fmt.Errorf("start an API server: %w", err)
	}
	return environment, nil
}

// fromRoot returns a folder of the repository. Tests run in the folder of their package, below the root.
func fromRoot(path ...string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		folder := filepath.Join(append([]string{dir}, path...)...)
		if _, err := os.Stat(folder); err == nil {
			return folder, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no folder above this one holds %s", filepath.Join(path...))
		}
	}
}
