package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// shape is a way to write scheduling rules: a file of testdata/differential.
type shape struct {
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

// readShapes reads all shapes in the order of their files.
func readShapes() ([]shape, error) {
	files, err := filepath.Glob(filepath.Join("testdata", "differential", "*.yaml"))
	if err != nil {
		return nil, err
	}
	shapes := make([]shape, 0, len(files))
	for _, file := range files {
		s, err := readShape(file)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		shapes = append(shapes, s)
	}
	return shapes, nil
}

func readShape(file string) (shape, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return shape{}, err
	}
	s := shape{Name: strings.TrimSuffix(filepath.Base(file), ".yaml")}
	if err := yaml.UnmarshalStrict(data, &s); err != nil {
		return shape{}, err
	}
	// A namespace's name has no dots.
	own := strings.ReplaceAll(s.Name, ".", "-")
	s.From, s.To = cmp.Or(s.From, own), cmp.Or(s.To, own)
	return s, nil
}

// snapshotLike returns a real snapshot with the shape's rules in the place of the source's, as JSON. What else a component
// or a shard needs, it has from the component of the original.
func (s *shape) snapshotLike(original *unstructured.Unstructured) ([]byte, error) {
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

// policiesOf returns the scheduling policies in a Cluster's spec by the place where they stand, such as
// componentSpecs/mysql; that of the cluster itself stands at "cluster".
func policiesOf(spec any) map[string]any {
	policies := map[string]any{}
	collectPolicies("", spec, policies)
	return policies
}

func collectPolicies(place string, node any, policies map[string]any) {
	_, isList := node.([]any)
	for key, member := range members(node) {
		if key == "schedulingPolicy" {
			policies[cmp.Or(place, "cluster")] = member
			continue
		}
		if name, ok := members(member)["name"].(string); ok && isList {
			key = name // an index would hide which one it is
		}
		collectPolicies(strings.TrimPrefix(place+"/"+key, "/"), member, policies)
	}
}

// members returns the members of an object, or the elements of a list of objects by their index; else nothing.
func members(node any) map[string]any {
	switch node := node.(type) {
	case map[string]any:
		return node
	case []any:
		all := make(map[string]any, len(node))
		for i, element := range node {
			if _, ok := element.(map[string]any); !ok {
				return nil
			}
			all[strconv.Itoa(i)] = element
		}
		return all
	}
	return nil
}
