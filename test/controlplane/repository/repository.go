// Package repository finds this repository, whose files and cache the tests use from any folder of it.
package repository

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// landmark is what only this repository holds.
const landmark = "test/controlplane/components"

// Root returns the folder of the repository that holds the working directory.
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
			return "", fmt.Errorf("neither %s nor a folder above it holds %s", start, landmark)
		}
	}
}

// Cache returns a folder for what is built, in the repository's git-ignored cache. It need not exist.
func Cache(name ...string) (string, error) {
	root, err := Root()
	return filepath.Join(append([]string{root, ".cache"}, name...)...), err
}
