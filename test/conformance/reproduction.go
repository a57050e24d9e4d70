package conformance

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// reproduction returns a comparison as YAML, to be created in a cluster one half after the other. The Pod without a node is the
// one that the scheduler is asked about.
func (s *scenario) reproduction(statement string, edits []rewrite.Edit, sides [2]side) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: does not hold.\n", statement)
	fmt.Fprintf(&b, "# source %+v, target %+v (known to the rewrite: %+v)\n", source, s.target, s.asKnown())
	for _, e := range edits {
		fmt.Fprintf(&b, "# edit %s: %v -> %v\n", e.Path, e.From, e.To)
	}
	for _, half := range sides {
		fmt.Fprintf(&b, "# %s:\n", half.title)
		for _, o := range half.opinions {
			fmt.Fprintf(&b, "#   %s\n", o)
		}
	}
	section(&b, "namespaces", namespaces())
	section(&b, "nodes", s.nodes)
	section(&b, "strangers", s.strangers)
	for _, half := range sides {
		section(&b, half.title, append(half.others, half.pod))
	}
	return b.String()
}

func section[T *corev1.Namespace | *corev1.Node | *corev1.Pod](b *strings.Builder, title string, objects []T) {
	fmt.Fprintf(b, "\n# ===== %s =====\n", title)
	for _, object := range objects {
		fmt.Fprintf(b, "---\n%s", document(object))
	}
}

// document returns the YAML of an object without its status, which says nothing yet.
func document(object any) []byte {
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
