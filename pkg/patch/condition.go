package patch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Conditions sets conditions of an object that another controller owns, in one write, and keeps all others. The patch is pinned
// to the version of obj, so that it cannot undo a concurrent write: then it fails, and IsStale is true. Conditions returns
// false, and writes nothing, if obj has all of them already.
//
// have are the conditions of obj. Neither is modified.
func Conditions(ctx context.Context, c client.StatusClient, obj client.Object, have []metav1.Condition, want ...metav1.Condition) (bool, error) {
	var missing []metav1.Condition
	for _, w := range want {
		i := indexOf(have, w.Type)
		if i >= 0 && same(have[i], w) {
			continue
		}
		if i >= 0 && have[i].Status == w.Status {
			w.LastTransitionTime = have[i].LastTransitionTime
		}
		missing = append(missing, w)
	}
	if len(missing) == 0 {
		return false, nil
	}
	p, err := conditionPatch(obj, have, missing)
	if err != nil {
		return false, err
	}
	if err := c.Status().Patch(ctx, obj.DeepCopyObject().(client.Object), p); err != nil {
		return false, fmt.Errorf("set conditions: %w", err)
	}
	return true, nil
}

func indexOf(conditions []metav1.Condition, conditionType string) int {
	return slices.IndexFunc(conditions, func(c metav1.Condition) bool { return c.Type == conditionType })
}

func same(a, b metav1.Condition) bool {
	return a.Status == b.Status && a.Reason == b.Reason && a.Message == b.Message && a.ObservedGeneration == b.ObservedGeneration
}

// conditionPatch returns the patch that replaces the condition of each type, or appends it.
func conditionPatch(obj client.Object, have, want []metav1.Condition) (client.Patch, error) {
	if len(have) == 0 {
		return firstConditions(obj, want)
	}
	operations := Version(obj.GetUID(), obj.GetResourceVersion())
	for _, w := range want {
		if i := indexOf(have, w.Type); i >= 0 {
			path := "/status/conditions/" + strconv.Itoa(i)
			operations = append(operations, Test(path+"/type", w.Type), Replace(path, w))
		} else {
			operations = append(operations, Add("/status/conditions/-", w))
		}
	}
	return JSON(operations)
}

// firstConditions returns a merge patch, because a JSON Patch fails on an object without a status. It is pinned to a version
// without conditions, so it loses none.
func firstConditions(obj client.Object, want []metav1.Condition) (client.Patch, error) {
	data, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": obj.GetUID(), "resourceVersion": obj.GetResourceVersion()},
		"status":   map[string]any{"conditions": want},
	})
	if err != nil {
		return nil, fmt.Errorf("marshal merge patch: %w", err)
	}
	return client.RawPatch(types.MergePatchType, data), nil
}
