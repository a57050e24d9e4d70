package patch

import (
	"encoding/json"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Apply returns JSON with edits applied, and keeps the rest byte for byte. It does not test old values. A missing parent is an error, as
// it is for the API server.
func Apply(object []byte, edits []rewrite.Edit) ([]byte, error) {
	return apply(object, Untested(edits), jsonpatch.NewApplyOptions())
}

// ApplyCreating is as Apply with operations, and creates missing parents of what is added.
func ApplyCreating(object []byte, operations []Operation) ([]byte, error) {
	options := jsonpatch.NewApplyOptions()
	options.EnsurePathExistsOnAdd = true
	return apply(object, operations, options)
}

func apply(object []byte, operations []Operation, options *jsonpatch.ApplyOptions) ([]byte, error) {
	data, err := json.Marshal(operations)
	if err != nil {
		return nil, fmt.Errorf("marshal JSON Patch: %w", err)
	}
	decoded, err := jsonpatch.DecodePatch(data)
	if err != nil {
		return nil, fmt.Errorf("decode JSON Patch: %w", err)
	}
	options.EscapeHTML = false
	patched, err := decoded.ApplyWithOptions(object, options)
	if err != nil {
		return nil, fmt.Errorf("apply JSON Patch: %w", err)
	}
	return patched, nil
}
