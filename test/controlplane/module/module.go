// Package module downloads Go modules for their other files. Each is pinned by the hash of its content.
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
	// Sum is the hash of its content, as in go.sum.
	Sum string
}

// Download downloads the module to the module cache, and returns its read-only folder there. It fails if the hash of the content is not
// the pinned one.
func (m Module) Download(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", m.String())
	// Outside of any main module, whose replaces and go.sum would apply.
	cmd.Dir = os.TempDir()
	// The pinned hash replaces the checksum database, which does not have every version.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GONOSUMDB="+m.Path)
	out, runErr := cmd.Output()

	// If the command fails, its JSON output has the reason.
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
