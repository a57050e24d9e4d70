package test

import (
	"bytes"
	"debug/buildinfo"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/onsi/gomega"
)

// ExpectComponents fails the test if a list of components in CycloneDX JSON does not have exactly the modules of a program.
func ExpectComponents(t *testing.T, list []byte, info *buildinfo.BuildInfo) {
	t.Helper()
	g := gomega.NewWithT(t)
	var bom cyclonedx.BOM
	g.Expect(cyclonedx.NewBOMDecoder(bytes.NewReader(list), cyclonedx.BOMFileFormatJSON).Decode(&bom)).To(gomega.Succeed())

	g.Expect(bom.Metadata.Component.Name).To(gomega.Equal(info.Main.Path))
	g.Expect(bom.Metadata.Component.Version).To(gomega.Equal(Version))
	listed := map[string]string{}
	for _, component := range *bom.Components {
		listed[component.Name] = component.Version
	}
	linked := map[string]string{"std": info.GoVersion}
	for _, module := range info.Deps {
		linked[module.Path] = module.Version
	}
	g.Expect(listed).To(gomega.Equal(linked))
}
