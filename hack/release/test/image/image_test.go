// Package image tests the container image that make builds.
package image

import (
	"flag"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/hack/release/test"
)

var (
	archs      = flag.String("archs", "amd64", "architectures of the image, separated by commas")
	freshCache = flag.Bool("fresh-cache", false, "compile the image for this machine once more with an empty build cache, which takes minutes")
)

func TestImageIsReproducible(t *testing.T) {
	g := NewWithT(t)
	index := build(t, *archs)
	g.Expect(validate.Index(index)).To(Succeed())

	manifest, err := index.IndexManifest()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(manifest.Annotations).To(HaveKeyWithValue("org.opencontainers.image.version", test.Version))
	var platforms []string
	for _, described := range manifest.Manifests {
		platforms = append(platforms, described.Platform.Architecture)
		image, err := index.Image(described.Digest)
		g.Expect(err).NotTo(HaveOccurred())
		t.Run(described.Platform.String(), func(t *testing.T) { testPlatform(t, image, *described.Platform) })
	}
	g.Expect(platforms).To(Equal(strings.Split(*archs, ",")))

	t.Run("has the same digest from another folder", func(t *testing.T) {
		NewWithT(t).Expect(build(t, *archs).Digest()).To(Equal(must(index.Digest())))
	})
	if *freshCache {
		t.Run("has the same digest from an empty build cache", func(t *testing.T) {
			again := build(t, runtime.GOARCH, "GOCACHE="+t.TempDir())
			NewWithT(t).Expect(digests(t, index)).To(ContainElements(digests(t, again)))
		})
	}
}

// digests returns those of the images in an index.
func digests(t *testing.T, index v1.ImageIndex) []v1.Hash {
	t.Helper()
	manifest, err := index.IndexManifest()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	var all []v1.Hash
	for _, described := range manifest.Manifests {
		all = append(all, described.Digest)
	}
	return all
}

// build makes the image for the wanted architectures in a new clone, and returns the index that the layout has for the tag.
func build(t *testing.T, wanted string, settings ...string) v1.ImageIndex {
	t.Helper()
	g := NewWithT(t)
	clone := test.Clone(t)
	test.Make(t, clone, settings, "image", "IMAGE_ARCHS="+strings.ReplaceAll(wanted, ",", " "))
	tags, err := layout.ImageIndexFromPath(filepath.Join(clone, ".cache", "dist", "image", "oci"))
	g.Expect(err).NotTo(HaveOccurred())
	tagged, err := tags.IndexManifest()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(tagged.Manifests).To(HaveLen(1))
	g.Expect(tagged.Manifests[0].Annotations).To(HaveKeyWithValue("org.opencontainers.image.ref.name", strings.TrimPrefix(test.Version, "v")))
	index, err := tags.ImageIndex(tagged.Manifests[0].Digest)
	g.Expect(err).NotTo(HaveOccurred())
	return index
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
