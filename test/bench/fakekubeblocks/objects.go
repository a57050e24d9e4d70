package fakekubeblocks

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// merge returns a merge patch without a resourceVersion, as KubeBlocks sends them.
func merge(change map[string]any) client.Patch {
	data, err := json.Marshal(change)
	if err != nil {
		panic(err) // Maps and strings always marshal.
	}
	return client.RawPatch(types.MergePatchType, data)
}

// ownerOf returns the metadata of an owner in the form that pkg/testing's builders take.
func ownerOf(kind schema.GroupVersionKind, view client.Object) *unstructured.Unstructured {
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(kind)
	obj.SetNamespace(view.GetNamespace())
	obj.SetName(view.GetName())
	obj.SetUID(view.GetUID())
	obj.SetLabels(view.GetLabels())
	return obj
}

// asMap returns a scheduling policy in the form that pkg/testing's builders take.
func asMap(view any) (map[string]any, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(view)
	if err != nil {
		return nil, fmt.Errorf("convert a scheduling policy: %w", err)
	}
	return fields, nil
}

// wrap adds the failed operation to an error, if there is one.
func wrap(err error, operation string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", operation, err)
}
