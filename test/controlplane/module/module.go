// Package module fetches Go modules for what they hold besides packages, each pinned by the hash of its content.
package module

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Module is a Go module at a version.
type Module struct {
	Path, Version string
	// Sum is the hash of its content, as go.sum spells it.
	Sum string
}

// Download fetches the module unless the module cache has it, and returns its
// folder there, which is read-only. It fails when the content is not the one
// pinned.
func (m Module) Download(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", m.String())
	// No main module: neither its replaces nor its go.sum have a say here.
	cmd.Dir = os.TempDir()
	// The pinned hash stands in for the checksum database, which does not
	// know every version.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GONOSUMDB="+m.Path)
	out, runErr := cmd.Output()

	// The command answers in JSON even when it fails; its reason is in there.
	var got struct{ Dir, Sum, Error string }
	if err := json.Unmarshal(out, &got); err != nil {
		return "", fmt.Errorf("download %s: %w", m, errors.Join(runErr, err))
	}
	if got.Error != "" {
		return "", fmt.Errorf("download %s: %s", m, oneLine(got.Error))
	}
	if got.Sum != m.Sum {
		return "", fmt.Errorf("download %s: content has hash %s, expected %s", m, got.Sum, m.Sum)
	}
	return got.Dir, nil
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func (m Module) String() string { return m.Path + "@" + m.Version }
