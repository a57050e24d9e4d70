package hack

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

// notes runs the script that prints a section of the changelog.
func notes(t *testing.T, changelog, section string) (string, error) {
	t.Helper()
	script := read(t, filepath.Join("release", "notes.sh")) // read, so that `go test` sees a change of it
	dir := t.TempDir()
	NewWithT(t).Expect(os.WriteFile(filepath.Join(dir, "CHANGELOG.md"), []byte(changelog), 0o600)).To(Succeed())
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script, "notes.sh", section)
	cmd.Dir = dir
	out, err := cmd.Output()
	return string(out), err
}

func TestNotesOfAReleaseAreItsSectionOfTheChangelog(t *testing.T) {
	g := NewWithT(t)
	const changelog = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n### Added\n\n- More.\n\n## [0.2.0-rc.1]\n\n- Less.\n"

	g.Expect(notes(t, changelog, "v0.2.0")).To(Equal("### Added\n\n- More.\n"))
	g.Expect(notes(t, changelog, "v0.2.0-rc.1")).To(Equal("- Less.\n"))
	for _, missing := range []string{"v0.1.0", "v0.2", "Unreleased"} {
		_, err := notes(t, changelog, missing)
		g.Expect(err).To(HaveOccurred(), missing)
	}
}
