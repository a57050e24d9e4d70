// Package test makes releases with make, for tests of their files.
package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onsi/gomega"
)

// Version is the tag that [Clone] puts on the commit. It is never released, and Go accepts its major version.
const Version = "v1.999.0"

// Clone returns the folder of a new clone of the last commit, tagged with [Version].
func Clone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	run(t, "", nil, "git", "clone", "--quiet", root(t), dir)
	run(t, dir, nil, "git", "tag", Version)
	return dir
}

// Make runs make in a clone, with the tools of the repository. Each setting is NAME=VALUE in its environment.
func Make(t *testing.T, clone string, settings []string, args ...string) {
	t.Helper()
	run(t, clone, settings, "make", append(args, "TOOLS="+filepath.Join(root(t), ".cache", "tools"))...)
}

// root returns the top folder of the repository.
func root(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("git", "rev-parse", "--show-toplevel").Output()
	gomega.NewWithT(t).Expect(err).NotTo(gomega.HaveOccurred())
	return strings.TrimSpace(string(out))
}

func run(t *testing.T, dir string, settings []string, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), ofMake), settings...)
	out, err := cmd.CombinedOutput()
	gomega.NewWithT(t).Expect(err).NotTo(gomega.HaveOccurred(), "%s\n%s", cmd, out)
}

// ofMake reports whether a variable would pass arguments of the make that runs the tests to the one in the clone.
func ofMake(setting string) bool {
	return strings.HasPrefix(setting, "MAKE") || strings.HasPrefix(setting, "MFLAGS=")
}
