package chart

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

const (
	releaseName = "rehome"
	// The Namespace of the operator, one that it manages, and one that it does not manage if it manages single Namespaces.
	ownNamespace = "rehome-system"
	managed      = "shop"
	unmanaged    = "vault"
)

// namespaced are the values of an operator that manages single Namespaces.
const namespaced = "managedNamespaces: shop, bank"

// shape is a way to install Rehome.
type shape struct {
	name   string
	render func(t *testing.T) string
}

func valueFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/values/*.yaml")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	NewWithT(t).Expect(files).NotTo(BeEmpty())
	return files
}

// shapes are the files of values in testdata, and the folders of config that kustomize builds.
func shapes(t *testing.T) []shape {
	t.Helper()
	var list []shape
	for _, file := range valueFiles(t) {
		list = append(list, shape{"chart with " + filepath.Base(file), func(t *testing.T) string {
			t.Helper()
			return rendered(t, read(t, file))
		}})
	}
	for _, name := range []string{"default", "namespaced", "observe", "monitoring", "backups"} {
		list = append(list, shape{"kustomize " + name, func(t *testing.T) string {
			t.Helper()
			return build(t, name)
		}})
	}
	return list
}

// texts are what shapes were rendered to, by name. Each rendering takes a program's start.
var texts = map[string]string{}

// forEachShape runs a test on the objects of each shape.
func forEachShape(t *testing.T, test func(t *testing.T, l objects)) {
	t.Helper()
	for _, s := range shapes(t) {
		t.Run(s.name, func(t *testing.T) {
			if texts[s.name] == "" {
				texts[s.name] = s.render(t)
			}
			test(t, parse(t, texts[s.name]))
		})
	}
}

// rendered renders the chart with values that it accepts.
func rendered(t *testing.T, values string) string {
	t.Helper()
	text, err := template(t, values)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return text
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return string(content)
}
