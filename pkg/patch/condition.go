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

// Condition sets one condition of an object that another controller owns, and leaves every other condition as it is. The
// patch is pinned to the version of obj, so that it cannot undo a write in between; IsStale tells such a failure. It
// returns false, and writes nothing, when the condition stands there already.
//
// conditions are those of obj; neither is changed.
func Condition(ctx context.Context, c client.StatusClient, obj client.Object, conditions []metav1.Condition, want metav1.Condition) (bool, error) {
	i := slices.IndexFunc(conditions, func(have metav1.Condition) bool { return have.Type == want.Type })
	if i >= 0 && same(conditions[i], want) {
		return false, nil
	}
	if i >= 0 && conditions[i].Status == want.Status {
		want.LastTransitionTime = conditions[i].LastTransitionTime
	}
	p, err := conditionPatch(obj, conditions, i, want)
	if err != nil {
		return false, err
	}
	if err := c.Status().Patch(ctx, obj.DeepCopyObject().(client.Object), p); err != nil {
		return false, fmt.Errorf("set condition %s: %w", want.Type, err)
	}
	return true, nil
}

func same(a, b metav1.Condition) bool {
	return a.Status == b.Status && a.Reason == b.Reason && a.Message == b.Message && a.ObservedGeneration == b.ObservedGeneration
}

// conditionPatch returns the patch that puts want at index i, or behind the others where i is negative.
func conditionPatch(obj client.Object, conditions []metav1.Condition, i int, want metav1.Condition) (client.Patch, error) {
	operations := Version(obj.GetUID(), obj.GetResourceVersion())
	switch {
	case i >= 0:
		path := "/status/conditions/" + strconv.Itoa(i)
		return JSON(append(operations, Test(path+"/type", want.Type), Replace(path, want)))
	case len(conditions) > 0:
		return JSON(append(operations, Add("/status/conditions/-", want)))
	default:
		return firstCondition(obj, want)
	}
}

// firstCondition returns a merge patch: unlike a JSON Patch, it also serves an object that has no status at all. Pinned to
// a version without conditions, it has none to lose.
func firstCondition(obj client.Object, want metav1.Condition) (client.Patch, error) {
	data, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": obj.GetUID(), "resourceVersion": obj.GetResourceVersion()},
		"status":   map[string]any{"conditions": []metav1.Condition{want}},
	})
	if err != nil {
		return nil, fmt.Errorf("marshal merge patch: %w", err)
	}
	return client.RawPatch(types.MergePatchType, data), nil
}
