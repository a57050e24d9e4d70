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

// Folder is where, in the repository, the shapes are.
const Folder = "test/e2e/testdata/differential"

// Shape is a way to write scheduling rules: a file of Folder.
type Shape struct {
	// Name is that of the file, without its ending.
	Name string `json:"-"`
	// About says in a line what the rules are for.
	About string `json:"about"`
	// From and To are the namespaces of the source and of its copy. Both are one of the shape's own unless given.
	From string `json:"from"`
	To   string `json:"to"`
	// Rules is the part of the source's spec that the shape is about.
	Rules map[string]any `json:"rules"`
	// Expected is what the three laws of the rewrite demand of it in the copy. It is empty where no rewrite can be right.
	Expected map[string]any `json:"expected"`
}

// Shapes reads all shapes, of the repository that holds the working directory, in the order of their files.
func Shapes() ([]Shape, error) {
	root, err := repository.Root()
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(root, Folder, "*.yaml"))
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
	// A namespace's name has no dots.
	own := strings.ReplaceAll(s.Name, ".", "-")
	s.From, s.To = cmp.Or(s.From, own), cmp.Or(s.To, own)
	return s, nil
}

// SnapshotLike returns a real snapshot with the shape's rules in the place of the source's, as JSON. What else a component
// or a shard needs, it has from the component of the original.
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

// complete gives every element of a list the members of another object that it lacks.
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
