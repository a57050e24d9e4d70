// Package repository finds the root and the cache of this repository, for tests in any of its folders.
package repository

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// landmark is a folder that only this repository has.
const landmark = "test/controlplane/components"

// Root returns the root folder of the repository of the working directory.
func Root() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		_, err := os.Stat(filepath.Join(dir, landmark))
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("neither %s nor a parent folder has %s", start, landmark)
		}
	}
}

// Cache returns a folder in the repository's git-ignored cache. It may not exist.
func Cache(name ...string) (string, error) {
	root, err := Root()
	return filepath.Join(append([]string{root, ".cache"}, name...)...), err
}
