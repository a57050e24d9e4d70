package patch

import "github.com/rehome-operator/rehome/pkg/rewrite"

// Edits returns the operations that make edits, in their order: each old value is tested before it is replaced or removed.
func Edits(edits []rewrite.Edit) []Operation {
	operations := make([]Operation, 0, 2*len(edits))
	for _, e := range edits {
		if e.From == nil {
			operations = append(operations, Add(e.Path, e.To))
			continue
		}
		operations = append(operations, Test(e.Path, e.From))
		if e.To == nil {
			operations = append(operations, Remove(e.Path))
		} else {
			operations = append(operations, Replace(e.Path, e.To))
		}
	}
	return operations
}
