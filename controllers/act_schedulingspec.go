package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// finishReplacements takes the next step of each replacement that was begun and has left a Restore without rules, and returns these
// as the plan. It comes before every read that can fail and is the one write in every mode, also to a Cluster that is skipped:
// KubeBlocks creates Pods from such a Restore that can run anywhere. Rules that the API server refuses are reported.
func (r *ClusterReconciler) finishReplacements(ctx context.Context, s *scope) (remedy.Plan, error) {
	var o remedy.Observation
	o.ClusterOnly = s.cluster.Spec.Restore != nil
	for i := range s.restores {
		object := s.restores[i].object
		o.Restores = append(o.Restores, remedy.Restore{
			Object: objectOf(object), Replacement: replacementOf(object), Deleting: !object.DeletionTimestamp.IsZero(),
		})
	}
	var plan remedy.Plan
	var errs []error
	for _, action := range remedy.Unfinished(o) {
		err := r.act(ctx, s, []remedy.Action{action})
		if (apierrors.IsInvalid(err) || apierrors.IsForbidden(err)) && !isStale(err) {
			s.refuse(action, err)
			continue
		}
		plan.Actions, errs = append(plan.Actions, action), append(errs, err)
		if !isAnswered(err) {
			break
		}
	}
	return plan, joined(errs...)
}

// refuse records that the API server refused a step of a replacement.
func (s *scope) refuse(action remedy.Action, err error) {
	for i := range s.restores {
		restore := &s.restores[i]
		switch a := action.(type) {
		case remedy.AddSchedulingSpec:
			if a.Restore.UID == restore.object.UID {
				restore.refused = err.Error()
			}
		case remedy.RemoveSchedulingSpec:
			if a.Restore.UID == restore.object.UID {
				restore.refused = err.Error()
			}
		}
	}
}

// removeSchedulingSpec removes the scheduling rules of a Restore, and records the rules to add in the same write, so that the next
// reconcile can finish.
func (r *ClusterReconciler) removeSchedulingSpec(ctx context.Context, s *scope, a remedy.RemoveSchedulingSpec) error {
	operations := patch.Version(a.Restore.UID, a.Restore.ResourceVersion)
	if a.Edits != nil {
		next, err := r.nextSchedulingSpec(ctx, a)
		if err != nil {
			return err
		}
		operations = append(operations, patch.Annotation(s.restore(a.Restore), v1alpha1.AnnotationSchedulingSpec, next))
	}
	if err := r.patchRestore(ctx, s, a.Restore, append(operations, patch.Remove(kubeblocks.SchedulingSpecPath))); err != nil {
		return fmt.Errorf("remove the rules of Restore %s: %w", a.Restore, err)
	}
	logf.FromContext(ctx).Info("Removed the stale scheduling rules of a Restore; the rewritten rules follow", "restore", a.Restore.NamespacedName)
	return nil
}

// nextSchedulingSpec returns the rules of a Restore with the edits applied. The read is live, because the cached view lacks the
// fields that no decision depends on.
func (r *ClusterReconciler) nextSchedulingSpec(ctx context.Context, a remedy.RemoveSchedulingSpec) (string, error) {
	restore := &unstructured.Unstructured{}
	restore.SetGroupVersionKind(kubeblocks.DataProtectionV1alpha1.WithKind("Restore"))
	if err := r.APIReader.Get(ctx, a.Restore.NamespacedName, restore); err != nil {
		return "", fmt.Errorf("get Restore %s: %w", a.Restore, err)
	}
	spec, _, err := unstructured.NestedMap(restore.Object, strings.Split(kubeblocks.SchedulingSpecPath[1:], "/")...)
	if err != nil {
		return "", fmt.Errorf("read the rules of Restore %s: %w", a.Restore, err)
	}
	data, err := json.Marshal(spec)
	if err != nil {
		return "", fmt.Errorf("marshal the rules of Restore %s: %w", a.Restore, err)
	}
	next, err := patch.Apply(data, below(kubeblocks.SchedulingSpecPath, a.Edits))
	return string(next), err
}

// below returns the edits with paths relative to one.
func below(path string, edits []rewrite.Edit) []rewrite.Edit {
	list := make([]rewrite.Edit, len(edits))
	for i, edit := range edits {
		list[i] = edit
		list[i].Path = strings.TrimPrefix(edit.Path, path)
	}
	return list
}

// addSchedulingSpec adds the rules that removeSchedulingSpec recorded.
func (r *ClusterReconciler) addSchedulingSpec(ctx context.Context, s *scope, a remedy.AddSchedulingSpec) error {
	next := json.RawMessage(s.restore(a.Restore).Annotations[v1alpha1.AnnotationSchedulingSpec])
	operations := append(patch.Version(a.Restore.UID, a.Restore.ResourceVersion),
		patch.Add(kubeblocks.SchedulingSpecPath, next), patch.RemoveAnnotation(v1alpha1.AnnotationSchedulingSpec))
	if err := r.patchRestore(ctx, s, a.Restore, operations); err != nil {
		return fmt.Errorf("add the rewritten rules to Restore %s: %w", a.Restore, err)
	}
	logf.FromContext(ctx).Info("Added the rewritten scheduling rules to a Restore", "restore", a.Restore.NamespacedName)
	r.recordEvent(s, s.restore(a.Restore), a, fmt.Sprintf(eventSchedulingSpecReplaced, a.Restore.Name))
	return nil
}

func (r *ClusterReconciler) patchRestore(ctx context.Context, s *scope, o remedy.Object, operations []patch.Operation) error {
	p, err := patch.JSON(operations)
	if err != nil {
		return err
	}
	return r.Client.Patch(ctx, s.restore(o).DeepCopy(), p)
}
