package differential

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

// Folder is the folder of the shapes in the repository.
const Folder = "test/e2e/testdata/differential"

// Shape is a way to write scheduling rules: a file of Folder.
type Shape struct {
	// Name is the name of the file, without the extension.
	Name string `json:"-"`
	// About describes the rules in one line.
	About string `json:"about"`
	// From and To are the namespaces of source and target. The default for both is named after the shape.
	From string `json:"from"`
	To   string `json:"to"`
	// Rules is the part of the source's spec with the rules.
	Rules map[string]any `json:"rules"`
	// Expected is that part in the target, as the three laws of the rewrite require it. It is empty where no rewrite is right.
	Expected map[string]any `json:"expected"`
	// Observed is that part as KubeBlocks was seen to write it, in a version that the tests cannot run.
	Observed map[string]any `json:"observed"`
}

// Shapes reads all shapes that a test restores, sorted by file name.
func Shapes() ([]Shape, error) { return readShapes(Folder) }

// ObservedShapes reads the shapes whose results were observed before.
func ObservedShapes() ([]Shape, error) { return readShapes(filepath.Join(Folder, "observed")) }

func readShapes(folder string) ([]Shape, error) {
	root, err := repository.Root()
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(root, folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	shapes := make([]Shape, 0, len(files))
	for _, file := range files {
		s, err := readShape(file)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		shapes = append(shapes, s)
	}
	return shapes, nil
}

func readShape(file string) (Shape, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return Shape{}, err
	}
	s := Shape{Name: strings.TrimSuffix(filepath.Base(file), ".yaml")}
	if err := yaml.UnmarshalStrict(data, &s); err != nil {
		return Shape{}, err
	}
	// The name of a namespace has no dots.
	own := strings.ReplaceAll(s.Name, ".", "-")
	s.From, s.To = cmp.Or(s.From, own), cmp.Or(s.To, own)
	return s, nil
}

// SnapshotLike returns a copy of a real snapshot with the shape's rules, as JSON. Components and shards have all other fields of the original
// component.
func (s *Shape) SnapshotLike(original *unstructured.Unstructured) ([]byte, error) {
	snapshot := original.DeepCopy()
	snapshot.SetNamespace(s.From)
	components, found, err := unstructured.NestedSlice(snapshot.Object, "spec", "componentSpecs")
	if err != nil || !found {
		return nil, fmt.Errorf("the snapshot has no components: %w", err)
	}
	component := components[0].(map[string]any)
	delete(component, "schedulingPolicy")

	spec := snapshot.Object["spec"].(map[string]any)
	spec["componentSpecs"] = []any{component}
	maps.Copy(spec, runtime.DeepCopyJSON(s.Rules))
	complete(spec["componentSpecs"], component)
	if shardings, ok := spec["shardings"].([]any); ok {
		template := runtime.DeepCopyJSON(component)
		delete(template, "name")
		for i := range shardings {
			complete([]any{shardings[i].(map[string]any)["template"]}, template)
		}
	}
	return json.Marshal(snapshot)
}

// complete adds the members of another object to every element of a list that does not have them.
func complete(list any, other map[string]any) {
	for _, element := range list.([]any) {
		element := element.(map[string]any)
		for key, value := range other {
			if _, ok := element[key]; !ok {
				element[key] = value
			}
		}
	}
}
