package rewrite_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// go test ./pkg/rewrite -run TestGolden -update regenerates the expected parts of testdata. Check the diff against the laws.
var update = flag.Bool("update", false, "regenerate the expected part of every golden case")

func init() {
	source, err := kubeblocks.SourceOfSnapshot([]byte("{}"))
	if err != nil {
		panic(err)
	}
	rewrite.InTreeOfKubeBlocks = source.InTree
}

// golden is one case: a file of testdata.
type golden struct {
	// About describes the case in one sentence.
	About   string           `json:"about"`
	Source  rewrite.Identity `json:"source"`
	Target  rewrite.Identity `json:"target"`
	Options rewrite.Options  `json:"options"`
	// Snapshot is the Cluster in the Backup's annotation.
	Snapshot json.RawMessage `json:"snapshot"`
	// Also are further Backups that the target is restored from.
	Also []backup `json:"also"`
	// Live is the Cluster to rewrite; by default it is the snapshot.
	Live json.RawMessage `json:"live"`
	// Component is rewritten instead of a Cluster, unless it owns the Restore.
	Component json.RawMessage `json:"component"`
	// Restore is rewritten instead of a Cluster. Component owns it.
	Restore json.RawMessage `json:"restore"`
	expected
}

// backup is the snapshot of one Backup and the cluster of that.
type backup struct {
	Source   rewrite.Identity `json:"source"`
	Snapshot json.RawMessage  `json:"snapshot"`
}

// expected is the result of a rewrite.
type expected struct {
	Edits    []edit    `json:"edits" yaml:"edits"`
	Findings []finding `json:"findings" yaml:"findings"`
}

type edit struct {
	Path string `json:"path" yaml:"path"`
	From any    `json:"from" yaml:"from"`
	To   any    `json:"to" yaml:"to"`
}

type finding struct {
	Path    string        `json:"path" yaml:"path"`
	Class   rewrite.Class `json:"class" yaml:"class"`
	Message string        `json:"message" yaml:"message"`
}

func TestGolden(t *testing.T) {
	for _, file := range goldenFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			c := readGolden(t, file)
			result := rewrite.Rewrite(c.input(t, c.object()))
			got := toExpected(t, result)
			if *update {
				writeExpected(t, file, got)
				c = readGolden(t, file)
			}

			NewWithT(t).Expect(got).To(Equal(c.expected), c.About)
			c.checkEdits(t, result.Edits)
			c.checkInputIsUnchanged(t)
		})
	}
}

func TestGoldenHasEveryClass(t *testing.T) {
	seen := map[rewrite.Class]bool{}
	for _, file := range goldenFiles(t) {
		for _, f := range readGolden(t, file).Findings {
			seen[f.Class] = true
		}
	}
	for _, class := range classConstants(t) {
		NewWithT(t).Expect(seen).To(HaveKey(class), "no case has a finding of class %s", class)
	}
}

// checkEdits applies the edits, and checks that they change nothing else and that a second rewrite has no edits.
func (c *golden) checkEdits(t *testing.T, edits []rewrite.Edit) {
	g := NewWithT(t)
	before := c.object()
	after := applied(t, before, edits)

	for _, path := range differences("", decode[any](t, before), decode[any](t, after)) {
		g.Expect(edits).To(ContainElement(Satisfy(func(e rewrite.Edit) bool {
			return path == e.Path || strings.HasPrefix(path, e.Path+"/")
		})), "no edit covers the change of %s", path)
	}
	g.Expect(rewrite.Rewrite(c.input(t, after)).Edits).To(BeEmpty(), "a second rewrite has no edits")
}

func (c *golden) checkInputIsUnchanged(t *testing.T) {
	in := c.input(t, c.object())
	rewrite.Rewrite(in)
	NewWithT(t).Expect(in).To(Equal(c.input(t, c.object())), "Rewrite must not modify its input")
}

// input reads the Backups as the operator does, and the policies of the object to rewrite.
func (c *golden) input(t *testing.T, object json.RawMessage) rewrite.Input {
	in := rewrite.Input{Target: c.Target, Options: c.Options, Live: c.policies(t, object)}
	for i, b := range append([]backup{{c.Source, c.Snapshot}}, c.Also...) {
		in.Sources = append(in.Sources, b.read(t, "bp"+strconv.Itoa(i+1)))
	}
	return in
}

// read returns the source of a Backup of the given name.
func (b backup) read(t *testing.T, name string) rewrite.Source {
	k := &kubeblocks.Backup{}
	k.Namespace, k.Name = b.Source.Namespace, name
	k.Annotations = map[string]string{kubeblocks.AnnotationClusterSnapshot: string(b.Snapshot)}
	k.Labels = map[string]string{kubeblocks.LabelInstance: b.Source.Name, kubeblocks.LabelBackupClusterUID: string(b.Source.UID)}
	source, err := kubeblocks.SourceOf(k)
	g := NewWithT(t)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(source.Identity).To(Equal(b.Source), "the case and its snapshot must name the same source")
	return source
}

// object returns the raw JSON of what is rewritten.
func (c *golden) object() json.RawMessage {
	for _, object := range []json.RawMessage{c.Restore, c.Component, c.Live} {
		if object != nil {
			return object
		}
	}
	return c.Snapshot
}

func (c *golden) policies(t *testing.T, object json.RawMessage) []rewrite.Policy {
	switch {
	case c.Restore != nil:
		return kubeblocks.RestorePolicies(decode[*kubeblocks.Restore](t, object), decode[*kubeblocks.Component](t, c.Component))
	case c.Component != nil:
		return kubeblocks.ComponentPolicies(decode[*kubeblocks.Component](t, object))
	default:
		return kubeblocks.ClusterPolicies(decode[*kubeblocks.Cluster](t, object))
	}
}

func decode[T any](t *testing.T, data json.RawMessage) (value T) {
	NewWithT(t).Expect(json.Unmarshal(data, &value)).To(Succeed())
	return value
}

func goldenFiles(t *testing.T) []string {
	files, err := filepath.Glob("testdata/*.yaml")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return files
}

func readGolden(t *testing.T, file string) *golden {
	g := NewWithT(t)
	data, err := os.ReadFile(file)
	g.Expect(err).NotTo(HaveOccurred())
	c := &golden{}
	g.Expect(yaml.UnmarshalStrict(data, c)).To(Succeed())
	g.Expect(c.About).NotTo(BeEmpty(), "a case must have a description")
	return c
}

// toExpected returns a result in the form of the files.
func toExpected(t *testing.T, result rewrite.Result) expected {
	data, err := json.Marshal(result)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	got := decode[expected](t, data)
	// A file has [] for an empty list.
	got.Edits = append([]edit{}, got.Edits...)
	got.Findings = append([]finding{}, got.Findings...)
	return got
}

// writeExpected replaces a file from its line "edits:" on, and keeps the lines above.
func writeExpected(t *testing.T, file string, e expected) {
	g := NewWithT(t)
	data, err := os.ReadFile(file)
	g.Expect(err).NotTo(HaveOccurred())
	input, _, _ := bytes.Cut(data, []byte("\nedits:"))
	out := bytes.NewBuffer(append(bytes.TrimRight(input, "\n"), '\n'))
	encoder := yamlv3.NewEncoder(out)
	encoder.SetIndent(2)
	g.Expect(encoder.Encode(e)).To(Succeed())
	g.Expect(os.WriteFile(file, out.Bytes(), 0o644)).To(Succeed())
}

// differences returns the JSON Pointers of the values that differ between two documents.
func differences(path string, a, b any) []string {
	if reflect.DeepEqual(a, b) {
		return nil
	}
	from, to := members(a), members(b)
	if from == nil || to == nil {
		return []string{path}
	}
	var paths []string
	for key, value := range from {
		paths = append(paths, differences(path+"/"+key, value, to[key])...)
		delete(to, key)
	}
	for key := range to {
		paths = append(paths, path+"/"+key)
	}
	return paths
}

// members returns the members of an object or the elements of a list, by their segment of a JSON Pointer; else nil.
func members(value any) map[string]any {
	all := map[string]any{}
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			all[strings.NewReplacer("~", "~0", "/", "~1").Replace(key)] = member
		}
	case []any:
		for i, element := range value {
			all[strconv.Itoa(i)] = element
		}
	default:
		return nil
	}
	return all
}

// classConstants returns the classes that the package declares.
func classConstants(t *testing.T) []rewrite.Class {
	g := NewWithT(t)
	file, err := parser.ParseFile(token.NewFileSet(), "finding.go", nil, parser.SkipObjectResolution)
	g.Expect(err).NotTo(HaveOccurred())
	var classes []rewrite.Class
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && isClass(spec.Type) {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			g.Expect(err).NotTo(HaveOccurred())
			classes = append(classes, rewrite.Class(value))
		}
		return true
	})
	g.Expect(classes).NotTo(BeEmpty())
	return classes
}

func isClass(e ast.Expr) bool {
	name, ok := e.(*ast.Ident)
	return ok && name.Name == "Class"
}
