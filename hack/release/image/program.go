package image

import (
	"debug/buildinfo"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// program is a build of rehome or rehome-placement, with the version that the Go toolchain stamped into it.
type program struct {
	path     string
	platform v1.Platform
	// version is a tag of the repository or a pseudo-version. It ends in +dirty if there were uncommitted changes.
	version string
	// revision is the commit, and committed its time.
	revision  string
	committed time.Time
}

// readProgram fails if the program has no version.
func readProgram(path string) (*program, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p := &program{path: path, version: info.Main.Version}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "GOOS":
			p.platform.OS = setting.Value
		case "GOARCH":
			p.platform.Architecture = setting.Value
		case "vcs.revision":
			p.revision = setting.Value
		case "vcs.time":
			if p.committed, err = time.Parse(time.RFC3339, setting.Value); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	if p.revision == "" || p.committed.IsZero() {
		return nil, fmt.Errorf("%s is of no commit: build it with -buildvcs=true in a clone of the repository, not in a worktree", path)
	}
	return p, nil
}

// readPlacement returns the program rehome-placement in the folder of p. It must be of the same commit and platform.
func (p *program) readPlacement() (*program, error) {
	beside, err := readProgram(filepath.Join(filepath.Dir(p.path), "rehome-placement"))
	if err != nil {
		return nil, err
	}
	if beside.revision != p.revision || !beside.platform.Equals(p.platform) {
		return nil, fmt.Errorf("%s is of %s for %s, but %s of %s for %s",
			p.path, p.revision, p.platform, beside.path, beside.revision, beside.platform)
	}
	return beside, nil
}

// tag returns the version as the chart and the archives spell it, without the leading v. A plus sign is not valid in a tag.
func (p *program) tag() string {
	return strings.ReplaceAll(strings.TrimPrefix(p.version, "v"), "+", "-")
}
