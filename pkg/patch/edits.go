package patch

import (
	"encoding/json"
	"fmt"
	"slices"

	jsonpatch "github.com/evanphx/json-patch/v5"

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

// Apply returns JSON with edits applied, and keeps the rest byte for byte. It does not test old values.
func Apply(object []byte, edits []rewrite.Edit) ([]byte, error) {
	data, err := json.Marshal(Untested(edits))
	if err != nil {
		return nil, fmt.Errorf("marshal JSON Patch: %w", err)
	}
	decoded, err := jsonpatch.DecodePatch(data)
	if err != nil {
		return nil, fmt.Errorf("decode JSON Patch: %w", err)
	}
	patched, err := decoded.Apply(object)
	if err != nil {
		return nil, fmt.Errorf("apply JSON Patch: %w", err)
	}
	return patched, nil
}
