package standin

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// merge is a merge patch that names no version, as KubeBlocks sends them.
func merge(change map[string]any) client.Patch {
	data, err := json.Marshal(change)
	if err != nil {
		panic(err) // of maps and strings
	}
	return client.RawPatch(types.MergePatchType, data)
}

// whole returns what owner references and labels are made of, for builders that take unstructured objects.
func whole(kind schema.GroupVersionKind, view client.Object) *unstructured.Unstructured {
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(kind)
	obj.SetNamespace(view.GetNamespace())
	obj.SetName(view.GetName())
	obj.SetUID(view.GetUID())
	obj.SetLabels(view.GetLabels())
	return obj
}

func asMap(view any) (map[string]any, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(view)
	if err != nil {
		return nil, fmt.Errorf("read a scheduling policy: %w", err)
	}
	return fields, nil
}

// wrap says what failed, if anything did.
func wrap(err error, attempt string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", attempt, err)
}
