package archives

import (
	"archive/zip"
	"debug/buildinfo"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/hack/release/test"
)

// testArchive tests the archive for one platform.
func (r *release) testArchive(t *testing.T, platform string) {
	g := NewWithT(t)
	folder := t.TempDir()
	r.unpack(t, platform, folder)
	for _, name := range programs {
		r.testProgram(t, filepath.Join(folder, programName(name, platform)), name, platform)
	}
	for _, name := range []string{
		"LICENSE", "licenses/std/LICENSE", "licenses/github.com/rehome-operator/rehome/LICENSE", "completions/rehome.bash",
		"completions/rehome.zsh", "completions/rehome.fish", "completions/rehome.powershell", "completions/kubectl_complete-rehome",
	} {
		g.Expect(filepath.Join(folder, name)).To(BeARegularFile())
	}
	g.Expect(listed(t, filepath.Join(folder, "licenses"))).To(Equal(listed(t, filepath.Join(r.dist, "licenses"))))
}

// testProgram tests a program of an archive.
func (r *release) testProgram(t *testing.T, program, name, platform string) {
	g := NewWithT(t)
	info, err := buildinfo.ReadFile(program)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Main.Version).To(Equal(test.Version))
	components, err := os.ReadFile(r.file(t, name, platform+".cdx.json"))
	g.Expect(err).NotTo(HaveOccurred())
	test.ExpectComponents(t, components, info)

	if arch, onLinux := strings.CutPrefix(platform, "linux_"); onLinux {
		g.Expect(sum(t, program)).To(Equal(sum(t, filepath.Join(r.dist, "bin/linux-"+arch, name))), "the same program as in the image")
	}
	if platform == runtime.GOOS+"_"+runtime.GOARCH {
		out, err := exec.CommandContext(t.Context(), program, "--version").CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred(), "%s", out)
		g.Expect(strings.Fields(string(out))[1]).To(Equal(test.Version))
	}
}

// unpack extracts an archive.
func (r *release) unpack(t *testing.T, platform, folder string) {
	t.Helper()
	g := NewWithT(t)
	archive := r.file(t, "rehome", platform+archiveEnd(platform))
	if filepath.Ext(archive) == ".zip" {
		zipped, err := zip.OpenReader(archive)
		g.Expect(err).NotTo(HaveOccurred())
		defer zipped.Close()
		g.Expect(os.CopyFS(folder, zipped)).To(Succeed())
		return
	}
	out, err := exec.CommandContext(t.Context(), "tar", "-xzf", archive, "-C", folder).CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", out)
}

func programName(name, platform string) string {
	if strings.HasPrefix(platform, "windows") {
		return name + ".exe"
	}
	return name
}

// listed returns the names of the files below a folder.
func listed(t *testing.T, folder string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, name)
		}
		return err
	})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return names
}
