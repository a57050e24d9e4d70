// Command pictures draws the pictures of the README from the recorded demo in docs/pictures.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/rehome-operator/rehome/test/controlplane/repository"
	"github.com/rehome-operator/rehome/test/e2e/pictures"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := repository.Root()
	if err != nil {
		return err
	}
	folder := filepath.Join(root, "docs", "pictures")
	recording, err := pictures.Read(filepath.Join(folder, "recording.json"))
	if err != nil {
		return err
	}
	drawn, err := pictures.Draw(recording)
	if err != nil {
		return err
	}
	for name, picture := range drawn {
		if err := os.WriteFile(filepath.Join(folder, name), picture, 0o644); err != nil {
			return err
		}
	}
	return nil
}
