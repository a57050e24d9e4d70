package archives

import (
	"os"
	"path/filepath"
	"regexp"
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

var layout = regexp.MustCompile(`oci:(\.cache/[^: ]+)`)

// testPages finds the OCI layout where pages copy it from.
func (r *release) testPages(t *testing.T, clone string) {
	g := NewWithT(t)
	for _, page := range []string{"README.md", "README.zh-CN.md", "docs/release.md"} {
		text, err := os.ReadFile(filepath.Join(clone, page))
		g.Expect(err).NotTo(HaveOccurred())
		folders := layout.FindAllStringSubmatch(string(text), -1)
		g.Expect(folders).NotTo(BeEmpty(), page)
		for _, folder := range folders {
			g.Expect(filepath.Join(clone, folder[1], "oci-layout")).To(BeAnExistingFile(), page)
		}
	}
}
