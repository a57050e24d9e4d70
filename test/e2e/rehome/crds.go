package rehome

import (
	"fmt"
	"path/filepath"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

// InstallCRDs creates or updates the definitions of Rehome's own kinds, and returns when the API server serves them.
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
		return fmt.Errorf("install the definitions of Rehome: %w", err)
	}
	return nil
}
