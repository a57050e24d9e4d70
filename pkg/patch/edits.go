package patch

import (
	"slices"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Edits returns the operations for edits, in their order. Each old value is tested before it is replaced or removed.
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

// Untested returns the operations for edits without tests of old values, for an object that nobody else can change meanwhile. The edits
// were computed from a view of it, which can lack fields.
func Untested(edits []rewrite.Edit) []Operation {
	return slices.DeleteFunc(Edits(edits), func(o Operation) bool { return o.Op == "test" })
}
