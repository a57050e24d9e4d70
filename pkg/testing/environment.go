// Package testing holds what several packages' tests share: an API server with KubeBlocks' kinds, and builders of objects.
package testing

import (
	"fmt"
	"os"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Start starts an API server that serves the kinds of a generation of KubeBlocks. No controller runs beside it: what
// KubeBlocks, the scheduler or the garbage collector would do, a test does. The caller stops it.
func Start(g Generation) (*envtest.Environment, error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return nil, fmt.Errorf("KUBEBUILDER_ASSETS does not say where etcd and kube-apiserver are: run `make test-unit`")
	}
	environment := &envtest.Environment{CRDs: g.CRDs(), UseExistingCluster: ptr.To(false)}
	if _, err := environment.Start(); err != nil {
		return nil, fmt.Errorf("start an API server: %w", err)
	}
	return environment, nil
}
