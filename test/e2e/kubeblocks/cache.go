package kubeblocks

import "github.com/rehome-operator/rehome/test/controlplane/repository"

// CacheDir returns the folder of KubeBlocks' binaries. It need not exist.
func CacheDir() (string, error) { return repository.Cache("kubeblocks") }
