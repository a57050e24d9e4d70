package archives

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/krew/pkg/index"
	"sigs.k8s.io/yaml"

	"github.com/rehome-operator/rehome/hack/release/test"
)

// downloads is the URL of releases. The tag and the file follow.
const downloads = "https://github.com/rehome-operator/rehome/releases/download/"

// testKrew checks the fields that krew and its index require.
func (r *release) testKrew(t *testing.T) {
	g := NewWithT(t)
	text, err := os.ReadFile(filepath.Join(r.dir, "krew/rehome.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	var plugin index.Plugin
	g.Expect(yaml.UnmarshalStrict(text, &plugin)).To(Succeed())

	g.Expect(plugin.APIVersion).To(Equal("krew.googlecontainertools.github.com/v1alpha2"))
	g.Expect(plugin.Kind).To(Equal("Plugin"))
	g.Expect(plugin.Name).To(Equal("rehome"))
	g.Expect(plugin.Spec.Version).To(MatchRegexp(`^v\d+\.\d+\.\d+`))
	g.Expect(plugin.Spec.Homepage).NotTo(BeEmpty())
	g.Expect(plugin.Spec.Description).NotTo(BeEmpty())
	g.Expect(plugin.Spec.ShortDescription).NotTo(BeEmpty())

	var described []string
	for _, p := range plugin.Spec.Platforms {
		platform := p.Selector.MatchLabels["os"] + "_" + p.Selector.MatchLabels["arch"]
		described = append(described, platform)
		g.Expect(p.Bin).To(Equal(programName("rehome", platform)), "testArchive finds it in the archive")
		archive := r.file(t, "rehome", platform+archiveEnd(platform))
		g.Expect(p.Sha256).To(Equal(sum(t, archive)), platform)
		g.Expect(p.URI).To(Equal(downloads + test.Version + "/" + filepath.Base(archive)))
	}
	g.Expect(described).To(ConsistOf(platforms))
}
