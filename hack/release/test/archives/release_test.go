// Package archives tests the files of a release.
package archives

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/hack/release/test"
)

// platforms are those that have an archive.
var platforms = []string{"darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64", "windows_amd64", "windows_arm64"}

// programs are those of each archive.
var programs = []string{"rehome", "rehome-placement"}

func TestReleaseIsReproducibleAndComplete(t *testing.T) {
	clone := test.Clone(t)
	key, settings := newKey(t)
	test.Make(t, clone, settings, "release-dry-run")
	test.Make(t, clone, nil, "image")
	r := &release{dir: filepath.Join(clone, ".cache/dist/release"), dist: filepath.Join(clone, ".cache/dist")}

	t.Run("checksums match the files", r.testChecksums)
	t.Run("checksums are signed", func(t *testing.T) { r.testSignature(t, key) })
	t.Run("notes are those of the changelog", func(t *testing.T) { r.testNotes(t, clone) })
	t.Run("image is where the pages say", func(t *testing.T) { r.testPages(t, clone) })
	t.Run("install.yaml installs Rehome", r.testInstall)
	t.Run("chart is pushed to a registry, and signed", func(t *testing.T) { r.testChart(t, clone, key, settings) })
	t.Run("krew manifest names the archive of each platform", r.testKrew)
	for _, platform := range platforms {
		t.Run(platform, func(t *testing.T) { r.testArchive(t, platform) })
	}
	t.Run("has the same checksums from another folder", func(t *testing.T) {
		again := test.Clone(t)
		test.Make(t, again, nil, "release-dry-run")
		other := &release{dir: filepath.Join(again, ".cache/dist/release")}
		NewWithT(t).Expect(other.checksums(t)).To(Equal(r.checksums(t)))
	})
}

// release is the output of a dry run.
type release struct {
	// dir has the files to publish, and dist all files that were made.
	dir, dist string
}

// file returns the path of the only file of a program with that end.
func (r *release) file(t *testing.T, program, end string) string {
	t.Helper()
	g := NewWithT(t)
	files, err := filepath.Glob(filepath.Join(r.dir, program+"_*"+end))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(files).To(HaveLen(1), program+end)
	return files[0]
}

// checksums returns the checksums in checksums.txt by file name.
func (r *release) checksums(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "checksums.txt"))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	sums := map[string]string{}
	for line := range strings.Lines(string(text)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		sums[name] = sum
	}
	return sums
}

func (r *release) testChecksums(t *testing.T) {
	g := NewWithT(t)
	files := map[string]string{}
	for _, platform := range platforms {
		paths := []string{r.file(t, "rehome", platform+archiveEnd(platform))}
		for _, program := range programs {
			paths = append(paths, r.file(t, program, platform+".cdx.json"))
		}
		for _, path := range paths {
			files[filepath.Base(path)] = sum(t, path)
		}
	}
	for _, path := range []string{r.chart(t), filepath.Join(r.dist, "install.yaml")} {
		files[filepath.Base(path)] = sum(t, path)
	}
	g.Expect(r.checksums(t)).To(Equal(files))
}

// chart returns the path of the packed chart.
func (r *release) chart(t *testing.T) string {
	t.Helper()
	g := NewWithT(t)
	charts, err := filepath.Glob(filepath.Join(r.dist, "rehome-*.tgz"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(charts).To(HaveLen(1))
	return charts[0]
}

// sum returns the SHA-256 of a file in hexadecimal digits.
func sum(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}

func archiveEnd(platform string) string {
	if strings.HasPrefix(platform, "windows") {
		return ".zip"
	}
	return ".tar.gz"
}
