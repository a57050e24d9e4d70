package chart

import (
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

// metadata is what Chart.yaml says.
type metadata struct {
	Version, AppVersion string
	Annotations         map[string]string
}

func readMetadata(t *testing.T) metadata {
	t.Helper()
	var m metadata
	NewWithT(t).Expect(yaml.Unmarshal([]byte(read(t, chart(t)+"/Chart.yaml")), &m)).To(Succeed())
	return m
}

// version returns that of the chart, which is that of Rehome.
func version(t *testing.T) string {
	t.Helper()
	return readMetadata(t).Version
}

func TestThereIsOneVersion(t *testing.T) {
	g := NewWithT(t)
	m := readMetadata(t)
	g.Expect(m.AppVersion).To(Equal(m.Version))
	g.Expect(m.Annotations["artifacthub.io/images"]).To(ContainSubstring("/rehome:" + m.Version + "\n"))

	var kustomization struct{ Images []struct{ NewTag string } }
	g.Expect(yaml.Unmarshal([]byte(read(t, inRepository(t, "config", "manager", "kustomization.yaml"))), &kustomization)).To(Succeed())
	g.Expect(kustomization.Images).To(ConsistOf(HaveField("NewTag", m.Version)))
}
