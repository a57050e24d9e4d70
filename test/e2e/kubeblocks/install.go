package kubeblocks

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/rehome-operator/rehome/test/controlplane/module"
)

// establishTimeout bounds the wait until every CRD is served.
const establishTimeout = time.Minute

// volumeSnapshots is the client module that KubeBlocks requires. It contains the CRDs.
func volumeSnapshots() module.Module {
	return module.Module{
		Path:    "github.com/kubernetes-csi/external-snapshotter/client/v6",
		Version: "v6.2.0",
		Sum:     "h1:cMM5AB37e9aRGjErygVT6EuBPB6s5a+l95OPERmSlVM=",
	}
}

// Install creates the CRDs of the version and those of volume snapshots, without which KubeBlocks does not start. It returns when all are
// served.
func (v Version) Install(ctx context.Context, config *rest.Config) error {
	own, err := v.module().Download(ctx)
	if err != nil {
		return err
	}
	snapshots, err := volumeSnapshots().Download(ctx)
	if err != nil {
		return err
	}
	_, err = envtest.InstallCRDs(config, envtest.CRDInstallOptions{
		Paths: []string{
			filepath.Join(own, "config", "crd", "bases"),
			filepath.Join(snapshots, "config", "crd"),
		},
		ErrorIfPathMissing: true,
		MaxTime:            establishTimeout,
	})
	if err != nil {
		return fmt.Errorf("install the CRDs of KubeBlocks %s: %w", v, err)
	}
	return nil
}
