package image

import (
	"debug/buildinfo"
	"debug/elf"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	. "github.com/onsi/gomega"
	. "github.com/onsi/gomega/gstruct"

	"github.com/rehome-operator/rehome/hack/release/test"
)

// testPlatform tests the image for one platform.
func testPlatform(t *testing.T, image v1.Image, platform v1.Platform) {
	g := NewWithT(t)
	config, err := image.ConfigFile()
	g.Expect(err).NotTo(HaveOccurred())
	unpacked := unpack(t, image)
	info, err := buildinfo.ReadFile(filepath.Join(unpacked, "rehome"))
	g.Expect(err).NotTo(HaveOccurred())

	t.Run("describes itself", func(t *testing.T) { testConfig(t, config, platform, info) })
	t.Run("keeps Kubernetes out of the operator", func(t *testing.T) {
		NewWithT(t).Expect(info.Deps).NotTo(ContainElement(HaveField("Path", "k8s.io/kubernetes")))
	})
	for _, name := range []string{"rehome", "rehome-placement"} {
		program := filepath.Join(unpacked, name)
		info, err := buildinfo.ReadFile(program)
		g.Expect(err).NotTo(HaveOccurred())
		t.Run("holds a static "+name, func(t *testing.T) { testStatic(t, program, platform) })
		t.Run("lists the components of "+name, func(t *testing.T) { testComponents(t, program, info) })
		t.Run("holds the licence of each module of "+name, func(t *testing.T) { testLicenses(t, unpacked, info) })
	}
	if platform.Architecture == runtime.GOARCH {
		t.Run("runs", func(t *testing.T) { testRun(t, unpacked, config) })
		t.Run("explains", func(t *testing.T) { testExplain(t, unpacked, config) })
	}
}

func testConfig(t *testing.T, config *v1.ConfigFile, platform v1.Platform, info *buildinfo.BuildInfo) {
	g := NewWithT(t)
	g.Expect(config.OS + "/" + config.Architecture).To(Equal(platform.String()))
	g.Expect(config.Created.UTC().Format("2006-01-02T15:04:05Z")).To(Equal(setting(info, "vcs.time")))
	g.Expect(config.Config.User).To(Equal("65532:65532"))
	g.Expect(config.Config.Entrypoint).To(Equal([]string{"/rehome"}))
	g.Expect(config.Config.Labels).To(MatchKeys(IgnoreExtras, Keys{
		"org.opencontainers.image.title":    Equal("rehome"),
		"org.opencontainers.image.version":  Equal(test.Version),
		"org.opencontainers.image.revision": Equal(setting(info, "vcs.revision")),
		"org.opencontainers.image.created":  Equal(setting(info, "vcs.time")),
		"org.opencontainers.image.licenses": Equal("Apache-2.0"),
		"org.opencontainers.image.source":   Equal("https://github.com/rehome-operator/rehome"),
	}))
}

func testStatic(t *testing.T, path string, platform v1.Platform) {
	g := NewWithT(t)
	program, err := elf.Open(path)
	g.Expect(err).NotTo(HaveOccurred())
	defer program.Close()
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	g.Expect(program.Machine).To(Equal(machines[platform.Architecture]))
	for _, segment := range program.Progs {
		g.Expect(segment.Type).NotTo(BeElementOf(elf.PT_INTERP, elf.PT_DYNAMIC))
	}
}

func testComponents(t *testing.T, program string, info *buildinfo.BuildInfo) {
	list, err := os.ReadFile(filepath.Join(filepath.Dir(program), "var/lib/db/sbom", filepath.Base(program)+".cdx.json"))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	test.ExpectComponents(t, list, info)
}

func testLicenses(t *testing.T, unpacked string, info *buildinfo.BuildInfo) {
	g := NewWithT(t)
	modules := []string{"std", info.Main.Path}
	for _, module := range info.Deps {
		modules = append(modules, module.Path)
	}
	for _, module := range modules {
		files, err := filepath.Glob(filepath.Join(unpacked, "licenses", module, "[LlCc][Ii][Cc]*"))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(files).NotTo(BeEmpty(), "%s", module)
	}
}

// setting returns a build setting of a program.
func setting(info *buildinfo.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
