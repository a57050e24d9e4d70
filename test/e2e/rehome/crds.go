package rehome

import (
	"fmt"
	"path/filepath"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

// InstallCRDs creates or updates Rehome's CRDs, and returns when they are served.
func InstallCRDs(config *rest.Config) error {
	root, err := repository.Root()
	if err != nil {
		return err
	}
	_, err = envtest.InstallCRDs(config, envtest.CRDInstallOptions{
		Paths:              []string{filepath.Join(root, "config", "crd")},
		ErrorIfPathMissing: true,
	})
	if err != nil {
		return fmt.Errorf("install the CRDs of Rehome: %w", err)
	}
	return nil
}
