package conformance

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// reproduction returns a comparison as YAML. Create one side at a time in a cluster; the Pod without a node is the one to schedule.
func (s *scenario) reproduction(property string, edits []rewrite.Edit, sides [2]side) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: does not hold.\n", property)
	fmt.Fprintf(&b, "# source %+v, target %+v (known to the rewrite: %+v)\n", source, s.target, s.knownTarget())
	for _, e := range edits {
		fmt.Fprintf(&b, "# edit %s: %v -> %v\n", e.Path, e.From, e.To)
	}
	for _, side := range sides {
		fmt.Fprintf(&b, "# %s:\n", side.title)
		for _, r := range side.results {
			fmt.Fprintf(&b, "#   %s\n", r)
		}
	}
	section(&b, "namespaces", namespaces())
	section(&b, "nodes", s.nodes)
	section(&b, "strangers", s.strangers)
	for _, side := range sides {
		section(&b, side.title, append(side.others, side.pod))
	}
	return b.String()
}

func section[T *corev1.Namespace | *corev1.Node | *corev1.Pod](b *strings.Builder, title string, objects []T) {
	fmt.Fprintf(b, "\n# ===== %s =====\n", title)
	for _, object := range objects {
		fmt.Fprintf(b, "---\n%s", toYAML(object))
	}
}

// toYAML returns an object without its status, which is empty.
func toYAML(object any) []byte {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return fmt.Appendf(nil, "# %v\n", err)
	}
	delete(fields, "status")
	data, err := yaml.Marshal(fields)
	if err != nil {
		return fmt.Appendf(nil, "# %v\n", err)
	}
	return data
}
