// Package patch builds and sends the only two writes that Rehome makes to objects of other controllers: JSON Patches (RFC 6902)
// of single leaves, pinned to the version they were computed from, and conditions of Rehome in a foreign status.
package patch

import (
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Operation is one operation of a JSON Patch.
type Operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// Test returns the operation that fails the patch unless the value at path equals value.
func Test(path string, value any) Operation { return Operation{Op: "test", Path: path, Value: value} }

// Replace returns the operation that replaces the value at path.
func Replace(path string, value any) Operation {
	return Operation{Op: "replace", Path: path, Value: value}
}

// Add returns the operation that adds a member or, where path ends in an index, inserts an element.
func Add(path string, value any) Operation { return Operation{Op: "add", Path: path, Value: value} }

// Remove returns the operation that removes the value at path.
func Remove(path string) Operation { return Operation{Op: "remove", Path: path} }

// Version returns the operations that pin a patch to one version of one object. The API server returns 422 for another UID,
// and 409 for another resourceVersion.
func Version(uid types.UID, resourceVersion string) []Operation {
	return []Operation{Test("/metadata/uid", uid), Replace("/metadata/resourceVersion", resourceVersion)}
}

// Annotation returns the operation that sets an annotation of obj.
func Annotation(obj client.Object, key, value string) Operation {
	if len(obj.GetAnnotations()) == 0 {
		return Add("/metadata/annotations", map[string]string{key: value})
	}
	return Add(AnnotationPath(key), value)
}

// maxAnnotations is the API server's limit of all annotations of an object together, in bytes.
const maxAnnotations = 256 << 10

// Fits reports whether the annotations of obj stay within the API server's limit with one more.
func Fits(obj client.Object, key, value string) bool {
	size := len(key) + len(value)
	for k, v := range obj.GetAnnotations() {
		if k != key {
			size += len(k) + len(v)
		}
	}
	return size <= maxAnnotations
}

// RemoveAnnotation returns the operation that removes an annotation, which must exist.
func RemoveAnnotation(key string) Operation { return Remove(AnnotationPath(key)) }

// AnnotationPath is the JSON Pointer of an annotation.
func AnnotationPath(key string) string { return "/metadata/annotations/" + rewrite.Escape(key) }

// JSON makes a patch of operations.
func JSON(operations []Operation) (client.Patch, error) {
	data, err := json.Marshal(operations)
	if err != nil {
		return nil, fmt.Errorf("marshal JSON Patch: %w", err)
	}
	return client.RawPatch(types.JSONPatchType, data), nil
}

// IsStale reports whether a write failed only because the object was changed or deleted meanwhile. The caller observes again.
func IsStale(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsNotFound(err) || isFailedTest(err)
}

// isFailedTest reports whether a test of a JSON Patch failed. The API server returns 422 for an invalid object too, but names
// its fields.
func isFailedTest(err error) bool {
	var status apierrors.APIStatus
	if !apierrors.IsInvalid(err) || !errors.As(err, &status) {
		return false
	}
	details := status.Status().Details
	return details == nil || len(details.Causes) == 0
}
