package chart

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// TestThePackageIsReproducible tests that the archive has no current times or owners, and that its order is fixed.
func TestThePackageIsReproducible(t *testing.T) {
	g := NewWithT(t)
	g.Expect(read(t, packed(t))).To(Equal(read(t, packed(t))))

	headers := entries(t, packed(t))
	var names []string
	for _, header := range headers {
		names = append(names, header.Name)
		g.Expect(header.ModTime).To(BeTemporally("==", time.Unix(1700000000, 0)), header.Name)
		g.Expect([]any{header.Uid, header.Gid, header.Uname, header.Gname}).To(Equal([]any{0, 0, "", ""}), header.Name)
	}
	g.Expect(slices.IsSorted(names)).To(BeTrue(), "%v", names)
	g.Expect(names).To(ContainElements("rehome/Chart.yaml", "rehome/values.schema.json", "rehome/README.md",
		"rehome/files/roles.yaml", "rehome/files/crds/rehome.kubeblocks.io_rehomings.yaml"))
	g.Expect(names).NotTo(ContainElement(HaveSuffix(".gotmpl")))
}

// packed packs the chart and returns the archive.
func packed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), inRepository(t, "hack", "pack-chart.sh"), chart(t), dir)
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1700000000")
	_, err := output(cmd)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return filepath.Join(dir, "rehome-"+version(t)+".tgz")
}

func entries(t *testing.T, archive string) []*tar.Header {
	t.Helper()
	g := NewWithT(t)
	file, err := os.Open(archive)
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = file.Close() }()
	unzipped, err := gzip.NewReader(file)
	g.Expect(err).NotTo(HaveOccurred())
	var headers []*tar.Header
	for reader := tar.NewReader(unzipped); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return headers
		}
		g.Expect(err).NotTo(HaveOccurred())
		headers = append(headers, header)
	}
}
