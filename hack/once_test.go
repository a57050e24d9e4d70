// Package hack tests the scripts by which the gate runs its steps.
package hack

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// checkout is a repository with the script in it.
type checkout struct {
	dir string
	env []string
}

func newCheckout(t *testing.T) *checkout {
	t.Helper()
	c := &checkout{dir: t.TempDir()}
	script, err := os.ReadFile("once.sh")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	c.write(t, "hack/once.sh", string(script))
	c.write(t, "hack/tools.mk", "TOOL := v1\n")
	c.write(t, "hack/tools/go.mod", "require tool v1\n")
	c.write(t, "hack/release/release.mk", "RELEASER := v1\n")
	c.write(t, "Makefile", "all:\n")
	c.write(t, ".gitignore", "/.cache/\n/runs\n*.log\n")
	c.write(t, "src/a.go", "package a\n")
	c.write(t, "docs/page.md", "# Page\n")
	c.git(t, "init", "--quiet")
	c.git(t, "add", ".")
	c.git(t, "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "-m", "Begin")
	return c
}

func (c *checkout) write(t *testing.T, name, text string) {
	t.Helper()
	g := NewWithT(t)
	path := filepath.Join(c.dir, name)
	g.Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
	g.Expect(os.WriteFile(path, []byte(text), 0o755)).To(Succeed())
}

func (c *checkout) git(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", c.dir}, args...)...).CombinedOutput()
	NewWithT(t).Expect(err).NotTo(HaveOccurred(), "%s", out)
	return string(out)
}

// once runs the script on the folder src. It returns the output, and how often the command has run so far.
func (c *checkout) once(t *testing.T, command string) (out string, runs int, err error) {
	t.Helper()
	cmd := exec.Command(filepath.Join(c.dir, "hack", "once.sh"), "step", "src", "--", "sh", "-c", "echo run >>runs; "+command)
	cmd.Env = append(os.Environ(), "FORCE=")
	cmd.Env = append(cmd.Env, c.env...)
	text, err := cmd.CombinedOutput()
	log, readErr := os.ReadFile(filepath.Join(c.dir, "runs"))
	NewWithT(t).Expect(readErr).NotTo(HaveOccurred())
	return string(text), strings.Count(string(log), "run"), err
}

const skipped = "step: skipped, nothing changed since it passed (FORCE=1 runs it)\n"

func TestOnceSkipsACommandThatPassed(t *testing.T) {
	g := NewWithT(t)
	c := newCheckout(t)
	out, _, err := c.once(t, "echo output")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out).To(Equal("output\n"))

	out, runs, err := c.once(t, "echo output")

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out).To(Equal(skipped))
	g.Expect(runs).To(Equal(1))
	g.Expect(c.git(t, "status", "--porcelain")).To(BeEmpty())
}

func TestOnceRunsAgainWhenAnInputChanges(t *testing.T) {
	for name, test := range map[string]struct {
		change func(t *testing.T, c *checkout)
		runs   int
	}{
		"content of a tracked file": {func(t *testing.T, c *checkout) { c.write(t, "src/a.go", "package b\n") }, 2},
		"new file":                  {func(t *testing.T, c *checkout) { c.write(t, "src/b.go", "package a\n") }, 2},
		"file removed": {func(t *testing.T, c *checkout) {
			c.write(t, "src/b.go", "package a\n")
			NewWithT(t).Expect(os.Remove(filepath.Join(c.dir, "src", "a.go"))).To(Succeed())
		}, 2},
		"file renamed": {func(t *testing.T, c *checkout) {
			NewWithT(t).Expect(os.Rename(filepath.Join(c.dir, "src", "a.go"), filepath.Join(c.dir, "src", "b.go"))).To(Succeed())
		}, 2},
		"mode of a file": {func(t *testing.T, c *checkout) {
			NewWithT(t).Expect(os.Chmod(filepath.Join(c.dir, "src", "a.go"), 0o644)).To(Succeed())
		}, 2},
		"workspace of Go":       {func(_ *testing.T, c *checkout) { c.env = append(c.env, "GOWORK=off") }, 2},
		"pin of a tool":         {func(t *testing.T, c *checkout) { c.write(t, "hack/tools.mk", "TOOL := v2\n") }, 2},
		"part of the Makefile":  {func(t *testing.T, c *checkout) { c.write(t, "hack/release/release.mk", "RELEASER := v2\n") }, 2},
		"pin in a go.mod":       {func(t *testing.T, c *checkout) { c.write(t, "hack/tools/go.mod", "require tool v2\n") }, 2},
		"flags of Go":           {func(_ *testing.T, c *checkout) { c.env = []string{"GOFLAGS=-trimpath"} }, 2},
		"file outside of PATHS": {func(t *testing.T, c *checkout) { c.write(t, "docs/page.md", "# Another\n") }, 1},
		"ignored file":          {func(t *testing.T, c *checkout) { c.write(t, "src/a.log", "text") }, 1},
		"commit":                {func(t *testing.T, c *checkout) { c.git(t, "tag", "v1") }, 1},
		"FORCE":                 {func(_ *testing.T, c *checkout) { c.env = []string{"FORCE=1"} }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			c := newCheckout(t)
			c.env = []string{"GOFLAGS="}
			_, _, err := c.once(t, "true")
			g.Expect(err).NotTo(HaveOccurred())

			test.change(t, c)

			_, runs, err := c.once(t, "true")
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(runs).To(Equal(test.runs))
		})
	}
}

func TestATrackedFileIsAnInputWhateverTheUserIgnores(t *testing.T) {
	g := NewWithT(t)
	c := newCheckout(t)
	c.write(t, "ignored", "a.go\n")
	c.git(t, "config", "core.excludesFile", filepath.Join(c.dir, "ignored"))
	c.write(t, "src/b.go", "package a\n")
	_, _, err := c.once(t, "true")
	g.Expect(err).NotTo(HaveOccurred())
	c.write(t, "src/a.go", "package b\n")

	_, runs, err := c.once(t, "true")

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(runs).To(Equal(2))
}

func TestOnceRunsAnotherCommand(t *testing.T) {
	g := NewWithT(t)
	c := newCheckout(t)
	_, _, err := c.once(t, "true")
	g.Expect(err).NotTo(HaveOccurred())

	_, runs, err := c.once(t, "echo another")

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(runs).To(Equal(2))
}

func TestOnceLeavesNoStampOfAFailure(t *testing.T) {
	g := NewWithT(t)
	c := newCheckout(t)
	// The command fails while a file exists that is no input.
	const command = "! test -e broken.log || exit 3"
	_, _, err := c.once(t, command)
	g.Expect(err).NotTo(HaveOccurred())
	c.write(t, "broken.log", "")
	c.env = []string{"FORCE=1"}

	_, _, err = c.once(t, command)

	var exit *exec.ExitError
	g.Expect(err).To(BeAssignableToTypeOf(exit))
	g.Expect(err).To(MatchError("exit status 3"))
	g.Expect(os.Remove(filepath.Join(c.dir, "broken.log"))).To(Succeed())
	c.env = nil
	out, runs, err := c.once(t, command)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out).To(BeEmpty())
	g.Expect(runs).To(Equal(3), "the failure removed the stamp of the pass before it")
}

func TestOnceLeavesNoStampWhenInputsChangeMeanwhile(t *testing.T) {
	g := NewWithT(t)
	c := newCheckout(t)
	const command = "date +%N >src/new.go"

	out, _, err := c.once(t, command)

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out).To(ContainSubstring("its inputs changed meanwhile"))
	_, runs, err := c.once(t, command)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(runs).To(Equal(2))
}

func TestOnceFailsOnAPathWithoutFiles(t *testing.T) {
	g := NewWithT(t)
	c := newCheckout(t)
	c.git(t, "mv", "src", "source")

	out, err := exec.Command(filepath.Join(c.dir, "hack", "once.sh"), "step", "src", "--", "true").CombinedOutput()

	g.Expect(err).To(HaveOccurred())
	g.Expect(string(out)).To(ContainSubstring("pathspec 'src' did not match any file(s) known to git"))
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return string(text)
}
