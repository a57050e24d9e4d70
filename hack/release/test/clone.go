// Package test makes releases with make, for tests of their files.
package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
)

// Version is the tag that [Clone] puts on the commit. It is never released, Go accepts its major version, and it is another one in each
// run, because Go caches a version of the product once it has downloaded it.
var Version = fmt.Sprintf("v1.999.%d%d", time.Now().Unix(), os.Getpid())

// Clone returns the folder of a new clone with one more commit, as a release has it: placement requires the product in [Version], and both
// have tags. All clones of a run have the same commit.
func Clone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	run(t, "", nil, "git", "clone", "--quiet", root(t), dir)
	t.Cleanup(func() { forget(t) })
	Make(t, dir, []string{"GOFLAGS=-modcacherw"}, "release-pin", "PIN="+Version)
	Commit(t, dir, "Pin "+Version)
	run(t, dir, nil, "git", "tag", Version)
	run(t, dir, nil, "git", "tag", "placement/"+Version)
	return dir
}

// Commit commits all changed files of a clone, at the same time in each.
func Commit(t *testing.T, clone, message string) {
	t.Helper()
	const date = "2026-01-01T00:00:00Z"
	dates := []string{"GIT_AUTHOR_DATE=" + date, "GIT_COMMITTER_DATE=" + date}
	run(t, clone, dates, "git", "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "-a", "-m", message)
}

// forget removes the product from the module cache.
func forget(t *testing.T) {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	g := gomega.NewWithT(t)
	g.Expect(err).NotTo(gomega.HaveOccurred())
	cache := strings.TrimSpace(string(out))
	for _, pattern := range []string{"github.com/rehome-operator/rehome@", "cache/download/github.com/rehome-operator/rehome/@v/"} {
		files, err := filepath.Glob(filepath.Join(cache, pattern+Version+"*"))
		g.Expect(err).NotTo(gomega.HaveOccurred())
		for _, file := range files {
			g.Expect(os.RemoveAll(file)).To(gomega.Succeed())
		}
	}
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
