package chart

import (
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

// metadata is the content of Chart.yaml.
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

// version returns the version of the chart, which is that of Rehome.
func version(t *testing.T) string {
	t.Helper()
	return readMetadata(t).Version
}
