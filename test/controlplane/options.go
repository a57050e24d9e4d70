package controlplane

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/rehome-operator/rehome/test/controlplane/assets"
)

// Options say what Start starts. The zero value starts a control plane without nodes.
type Options struct {
	// Assets is the folder of the binaries. Default: the cache folder of the repository that holds the working
	// directory, as filled by `go run ./cmd/controlplane build`.
	Assets string
	// Nodes are there and Ready when Start returns.
	Nodes []Node
	// LogDir is the folder of the logs. It is made if missing, and kept; logs already there are continued. Default: a
	// folder that Stop removes.
	LogDir string
	// KwokConfig is YAML for kwok, for example more Stages. Pod stages come on top of kwok's own, which have weight 0: a
	// stage with weight 1 wins wherever it matches. Node stages replace kwok's own.
	KwokConfig []byte
	// AuditPolicy is YAML, a Policy of audit.k8s.io/v1: what the API server writes to AuditLog. Default: it writes none.
	AuditPolicy []byte
}

// complete returns o with defaults filled in; dir is the data folder.
func (o Options) complete(dir string) (_ Options, err error) {
	if o.Assets == "" {
		if o.Assets, err = cachedAssets(); err != nil {
			return o, err
		}
	}
	if o.LogDir == "" {
		o.LogDir = filepath.Join(dir, "logs")
	}
	// The components run in the data folder, so relative paths would not be theirs.
	if o.Assets, err = filepath.Abs(o.Assets); err != nil {
		return o, err
	}
	if o.LogDir, err = filepath.Abs(o.LogDir); err != nil {
		return o, err
	}
	return o, os.MkdirAll(o.LogDir, 0o755)
}

// cachedAssets is the cache folder. It is not filled here: a test that takes ten minutes to start helps nobody.
func cachedAssets() (string, error) {
	dir, err := assets.Dir()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, assets.PodStages)); err != nil {
		return "", fmt.Errorf("%w: run `go run ./cmd/controlplane build` in test/controlplane first", err)
	}
	return dir, nil
}
