package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/fstest"

	. "github.com/onsi/gomega"
)

var licenses = fstest.MapFS{"std/LICENSE": {Data: []byte("any text")}}

func TestBuildRefusesAProgramWithoutACommit(t *testing.T) {
	g := NewWithT(t)
	program := compile(t, repository(t), "-buildvcs=false")

	_, err := Build([]string{program}, licenses)
	g.Expect(err).To(MatchError(ContainSubstring("is of no commit")))
}

func TestBuildRefusesProgramsOfTwoVersions(t *testing.T) {
	g := NewWithT(t)
	source := repository(t)
	older := compile(t, source, "-buildvcs=true")
	run(t, source, "git", "tag", "v1.2.3")
	newer := compile(t, source, "-buildvcs=true")

	_, err := Build([]string{older, newer}, licenses)
	g.Expect(err).To(MatchError(ContainSubstring("is of version 1.2.3, but others are of 0.0.0-")))
}

func TestBuildRefusesProgramsOfTwoCommits(t *testing.T) {
	g := NewWithT(t)
	source := repository(t)
	program := compile(t, source, "-buildvcs=true")
	commit(t, source, "Go on")
	run(t, source, "go", "build", "-buildvcs=true", "-o", filepath.Join(filepath.Dir(program), "rehome-placement"), ".")

	_, err := Build([]string{program}, licenses)
	g.Expect(err).To(MatchError(MatchRegexp("/rehome is of [0-9a-f]{40} for linux/.*, but .*/rehome-placement of [0-9a-f]{40} for linux/")))
}

func TestBuildNeedsBothPrograms(t *testing.T) {
	g := NewWithT(t)
	program := compile(t, repository(t), "-buildvcs=true")
	g.Expect(os.Remove(filepath.Join(filepath.Dir(program), "rehome-placement"))).To(Succeed())

	_, err := Build([]string{program}, licenses)
	g.Expect(err).To(MatchError(os.ErrNotExist))
}

func TestTagOfUncommittedChangesEndsInDirty(t *testing.T) {
	g := NewWithT(t)
	source := repository(t)
	run(t, source, "git", "tag", "v1.2.3")
	g.Expect(os.WriteFile(filepath.Join(source, "more.go"), []byte("package main\n"), 0o600)).To(Succeed())

	release, err := Build([]string{compile(t, source, "-buildvcs=true")}, licenses)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(release.Tag).To(Equal("1.2.3-dirty"), "a tag must not have a plus sign")
}

func TestBuildWithoutProgramsFails(t *testing.T) {
	_, err := Build(nil, licenses)
	NewWithT(t).Expect(err).To(MatchError("no program to pack"))
}

// repository returns the folder of a new repository that holds a program.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/main\n", "main.go": "package main\n\nfunc main() {}\n"} {
		NewWithT(t).Expect(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)).To(Succeed())
	}
	run(t, dir, "git", "init", "--quiet")
	run(t, dir, "git", "add", ".")
	commit(t, dir, "Begin")
	return dir
}

func commit(t *testing.T, dir, message string) {
	t.Helper()
	run(t, dir, "git", "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--allow-empty", "-m", message)
}

// compile builds the program in the folder under both names, and returns the path of rehome.
func compile(t *testing.T, source, stamp string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "rehome")
	for _, path := range []string{program, program + "-placement"} {
		run(t, source, "go", "build", stamp, "-o", path, ".")
	}
	return program
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	NewWithT(t).Expect(err).NotTo(HaveOccurred(), "%s\n%s", cmd, out)
}
