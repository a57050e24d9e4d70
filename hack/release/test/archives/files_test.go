package archives

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// testNotes compares the notes with the changelog. A dry run has those of the next version, or of the last where nothing has changed.
func (r *release) testNotes(t *testing.T, clone string) {
	g := NewWithT(t)
	notes, err := os.ReadFile(filepath.Join(r.dist, "notes.md"))
	g.Expect(err).NotTo(HaveOccurred())
	changelog, err := os.ReadFile(filepath.Join(clone, "CHANGELOG.md"))
	g.Expect(err).NotTo(HaveOccurred())
	_, section, _ := strings.Cut(string(changelog), "\n## [Unreleased]\n")
	section, _, _ = strings.Cut(section, "\n## [")
	g.Expect(string(notes)).NotTo(BeEmpty())
	if section = strings.TrimSpace(section); section != "" {
		g.Expect(string(notes)).To(Equal(section + "\n"))
	}
}

func (r *release) testInstall(t *testing.T) {
	g := NewWithT(t)
	manifest, err := os.ReadFile(filepath.Join(r.dist, "install.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	version := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(r.chart(t)), "rehome-"), ".tgz")
	for _, part := range []string{
		"kind: CustomResourceDefinition", "kind: Deployment", "kind: ClusterRole", "kind: MutatingWebhookConfiguration", "kind: Namespace",
		"image: ghcr.io/rehome-operator/rehome:" + version,
	} {
		g.Expect(string(manifest)).To(ContainSubstring(part))
	}
}
