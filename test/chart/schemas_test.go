package chart

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/openapi"
)

// schemas are JSON Schemas of the kinds that an API server serves, made from its OpenAPI description. They are written to a folder for
// kubeconform when they are needed.
type schemas struct {
	folder string
	client openapi.Client
}

func (s *server) schemas(t *testing.T) *schemas {
	t.Helper()
	d, err := discovery.NewDiscoveryClientForConfig(s.Config())
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return &schemas{t.TempDir(), d.OpenAPIV3()}
}

// expectValid expects that the objects match the schemas and have no other fields.
func (s *schemas) expectValid(t *testing.T, l objects) {
	t.Helper()
	NewWithT(t).Expect(s.check(t, l)).To(Succeed())
}

// check runs kubeconform, which replaces "/" with "-" in the names of schema files.
func (s *schemas) check(t *testing.T, l objects) error {
	t.Helper()
	g := NewWithT(t)
	dir := t.TempDir()
	for i, object := range l {
		s.write(t, object.GroupVersionKind())
		text, err := json.Marshal(object)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.json", i)), text, 0o600)).To(Succeed())
	}
	out, err := output(exec.CommandContext(t.Context(), tool(t, "KUBECONFORM"), "-strict", "-summary",
		"-schema-location", filepath.Join(s.folder, "{{ .Group }}-{{ .ResourceAPIVersion }}-{{ .ResourceKind }}.json"), dir))
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	g.Expect(out).To(ContainSubstring("Valid: %d, Invalid: 0, Errors: 0, Skipped: 0", len(l)))
	return nil
}

// write writes the schema of a kind, unless the file exists.
func (s *schemas) write(t *testing.T, kind schema.GroupVersionKind) {
	t.Helper()
	g := NewWithT(t)
	group, path := kind.Group, "apis/"+kind.GroupVersion().String()
	if group == "" {
		group, path = kind.Version, "api/"+kind.Version
	}
	file := filepath.Join(s.folder, strings.ToLower(group+"-"+kind.Version+"-"+kind.Kind)+".json")
	if _, err := os.Stat(file); err == nil {
		return
	}
	var described description
	name := ""
	// The description of a new kind comes after the kind is served.
	g.Eventually(func(g Gomega) {
		described = s.describe(g, path)
		name = described.nameOf(kind)
		g.Expect(name).NotTo(BeEmpty(), "no schema of %s", kind)
	}).WithTimeout(soon).Should(Succeed())
	for _, definition := range described.Components.Schemas {
		forbidOthers(definition)
	}
	text, err := json.Marshal(map[string]any{"$ref": "#/components/schemas/" + name, "components": described.Components})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.WriteFile(file, text, 0o600)).To(Succeed())
}

// description is the OpenAPI description of a version of a group.
type description struct {
	Components struct {
		Schemas map[string]map[string]any `json:"schemas"`
	} `json:"components"`
}

func (s *schemas) describe(g Gomega, path string) description {
	var described description
	paths, err := s.client.Paths()
	g.Expect(err).NotTo(HaveOccurred())
	version, found := paths[path]
	g.Expect(found).To(BeTrue(), "no description of %s", path)
	text, err := version.Schema("application/json")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(json.Unmarshal(text, &described)).To(Succeed())
	return described
}

// nameOf returns the name of the schema of a kind, or an empty string.
func (d description) nameOf(kind schema.GroupVersionKind) string {
	for name, definition := range d.Components.Schemas {
		if describes(definition, kind) {
			return name
		}
	}
	return ""
}

// describes reports whether a schema is the schema of a kind.
func describes(definition map[string]any, kind schema.GroupVersionKind) bool {
	kinds, _ := definition["x-kubernetes-group-version-kind"].([]any)
	return slices.ContainsFunc(kinds, func(k any) bool {
		of, _ := k.(map[string]any)
		return of["group"] == kind.Group && of["version"] == kind.Version && of["kind"] == kind.Kind
	})
}

// forbidOthers sets additionalProperties to false in a schema and its nested schemas.
func forbidOthers(definition any) {
	of, isSchema := definition.(map[string]any)
	if !isSchema {
		return
	}
	properties, _ := of["properties"].(map[string]any)
	for _, property := range properties {
		forbidOthers(property)
	}
	for _, keyword := range []string{"items", "additionalProperties"} {
		forbidOthers(of[keyword])
	}
	if len(properties) > 0 && of["x-kubernetes-preserve-unknown-fields"] != true {
		of["additionalProperties"] = false
	}
}
