// Package test makes releases as make does, for tests of what they hold.
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

// Version is the tag that [Clone] puts on the commit: one that there will never be, of a major version that Go takes.
const Version = "v1.999.0"

// Clone returns a clone of the repository as it is committed, tagged with [Version], in a new folder.
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

// ofMake tells the variables by which a make that runs the tests would hand its own arguments on.
func ofMake(setting string) bool {
	return strings.HasPrefix(setting, "MAKE") || strings.HasPrefix(setting, "MFLAGS=")
}
