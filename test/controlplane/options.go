package controlplane

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/rehome-operator/rehome/test/controlplane/assets"
)

// Options are the options of Start. The zero value starts a control plane without nodes.
type Options struct {
	// Assets is the folder of the binaries. Default: the cache folder of the repository of the working directory, which
	// `go run ./cmd/controlplane build` fills.
	Assets string
	// Nodes exist and are Ready when Start returns.
	Nodes []Node
	// LogDir is the folder of the logs. It is created and kept, and existing logs are continued. Default: a folder that Stop removes.
	LogDir string
	// KwokConfig is YAML for kwok, for example more Stages. They are added to the usual ones, which have weight 0, so a stage with weight 1
	// wins wherever it matches.
	KwokConfig []byte
	// AuditPolicy is a Policy of audit.k8s.io/v1 in YAML, for AuditLog. Default: no log.
	AuditPolicy []byte
}

// complete returns o with defaults. dir is the data folder.
func (o Options) complete(dir string) (_ Options, err error) {
	if o.Assets == "" {
		if o.Assets, err = cachedAssets(); err != nil {
			return o, err
		}
	}
	if o.LogDir == "" {
		o.LogDir = filepath.Join(dir, "logs")
	}
	// The components run in the data folder, so relative paths would be wrong for them.
	if o.Assets, err = filepath.Abs(o.Assets); err != nil {
		return o, err
	}
	if o.LogDir, err = filepath.Abs(o.LogDir); err != nil {
		return o, err
	}
	return o, os.MkdirAll(o.LogDir, 0o755)
}

// cachedAssets returns the cache folder. It does not build the programs, because a test should not take 6 minutes to start.
func cachedAssets() (string, error) {
	dir, err := assets.Dir()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, assets.Stages)); err != nil {
		return "", fmt.Errorf("%w: run `go run ./cmd/controlplane build` in test/controlplane first", err)
	}
	return dir, nil
}
