package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// observeContention reads who last wrote the rules that are due again, where the history says that they were reverted. The read
// is live, because the cache holds no managed fields.
func (r *ClusterReconciler) observeContention(ctx context.Context, s *scope) error {
	o := &s.observation
	if !o.WasReverted() {
		return nil
	}
	cluster := &metav1.PartialObjectMetadata{}
	cluster.SetGroupVersionKind(r.Apps.WithKind("Cluster"))
	if err := r.APIReader.Get(ctx, s.name, cluster); err != nil {
		return fmt.Errorf("get the metadata of the Cluster: %w", err)
	}
	o.LastWriter = lastWriterOf(cluster.ManagedFields, o.Live.Edits)
	return nil
}

// lastWriterOf returns the field manager, other than Rehome, that last wrote one of the edited fields; empty when none is recorded.
func lastWriterOf(managed []metav1.ManagedFieldsEntry, edits []rewrite.Edit) string {
	var last metav1.ManagedFieldsEntry
	for _, entry := range managed {
		if entry.Manager != string(FieldOwner) && ownsOne(entry, edits) && (last.Time == nil || last.Time.Before(entry.Time)) {
			last = entry
		}
	}
	return last.Manager
}

// ownsOne reports whether an entry owns a field of the spec that an edit is in. KubeBlocks' lists are owned as a whole.
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
