package kubeblocks

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CacheDir returns the folder for KubeBlocks' binaries in the repository that
// holds the working directory. It need not exist.
func CacheDir() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	const landmark = "test/e2e/kubeblocks"
	for dir := start; ; dir = filepath.Dir(dir) {
		_, err := os.Stat(filepath.Join(dir, landmark))
		if err == nil {
			return filepath.Join(dir, ".cache", "kubeblocks"), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("neither %s nor a folder above it holds %s", start, landmark)
		}
	}
}
