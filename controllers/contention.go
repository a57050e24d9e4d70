package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// lastWriter returns the field manager, other than Rehome, that last wrote one of the fields that are to be edited; empty when
// the API server does not tell. The cache holds no managed fields.
func (r *ClusterReconciler) lastWriter(ctx context.Context, s *scene) (string, error) {
	cluster := &metav1.PartialObjectMetadata{}
	cluster.SetGroupVersionKind(r.Apps.WithKind("Cluster"))
	name := types.NamespacedName{Namespace: s.cluster.Namespace, Name: s.cluster.Name}
	if err := r.Metadata.Get(ctx, name, cluster); err != nil {
		return "", fmt.Errorf("get the metadata of the Cluster: %w", err)
	}
	return lastWriterOf(cluster.ManagedFields, s.observation.Live.Edits), nil
}

func lastWriterOf(managed []metav1.ManagedFieldsEntry, edits []rewrite.Edit) string {
	var last metav1.ManagedFieldsEntry
	for _, entry := range managed {
		if entry.Manager != string(FieldOwner) && ownsOne(entry, edits) && (last.Time == nil || last.Time.Before(entry.Time)) {
			last = entry
		}
	}
	return last.Manager
}

// ownsOne reports whether an entry owns the field of the spec that one of the edits is in. KubeBlocks' lists are owned as a whole.
func ownsOne(entry metav1.ManagedFieldsEntry, edits []rewrite.Edit) bool {
	var fields struct {
		Spec map[string]json.RawMessage `json:"f:spec"`
	}
	if entry.FieldsV1 == nil || json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil {
		return false
	}
	for _, edit := range edits {
		field, _, _ := strings.Cut(strings.TrimPrefix(edit.Path, "/spec/"), "/")
		if _, owns := fields.Spec["f:"+field]; owns {
			return true
		}
	}
	return false
}
