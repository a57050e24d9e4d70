package controllers

import (
	"context"
	"fmt"

	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// act records the attempt of one action, takes the action, and counts it. One that came too late counts as neither taken nor
// failed.
func (r *ClusterReconciler) act(ctx context.Context, s *scope, action remedy.Action) error {
	err := r.recordAttempt(ctx, s, action)
	if err == nil {
		err = r.take(ctx, s, action)
	}
	switch {
	case err == nil:
		r.Metrics.ObserveTaken(action)
	case !isStale(err):
		r.Metrics.ObserveFailed(action)
	}
	return err
}

// recordAttempt writes the attempt into the history before the action is taken, so that every attempt is counted. The next
// reconcile takes an action whose attempt was recorded and which was then not taken.
func (r *ClusterReconciler) recordAttempt(ctx context.Context, s *scope, action remedy.Action) error {
	key := action.Attempt()
	if key == nil {
		return nil
	}
	history := s.observation.History.With(*key, action.Name(), s.observation.Now)
	if err := r.writeHistory(ctx, s, s.observation.Cluster, history); err != nil {
		r.Attempts.Release(s.attempt(action))
		return fmt.Errorf("record an attempt: %w", err)
	}
	return nil
}

// take takes an action. Every write is pinned to the version of the object that the decision is based on.
func (r *ClusterReconciler) take(ctx context.Context, s *scope, action remedy.Action) error {
	switch a := action.(type) {
	case remedy.PatchCluster:
		return r.patchCluster(ctx, s, a)
	case remedy.MarkContended:
		return r.markContended(ctx, s, a)
	case remedy.RecordLostSpread:
		return r.writeHistory(ctx, s, a.Cluster, a.History)
	case remedy.RecreateRestore:
		return r.recreateRestore(ctx, s, a)
	case remedy.RemoveSchedulingSpec:
		return r.removeSchedulingSpec(ctx, s, a)
	case remedy.AddSchedulingSpec:
		return r.addSchedulingSpec(ctx, s, a)
	case remedy.RecreateJobs:
		return r.recreateJobs(ctx, s, a)
	case remedy.RecreatePod:
		return r.recreatePod(ctx, s, a)
	default:
		return fmt.Errorf("unknown action %T", action)
	}
}

func (r *ClusterReconciler) writeHistory(ctx context.Context, s *scope, cluster remedy.Object, h remedy.History) error {
	if err := r.policyHolds(ctx, s); err != nil {
		return err
	}
	p, err := patch.JSON(append(patch.Version(cluster.UID, cluster.ResourceVersion),
		patch.Annotation(s.cluster, v1alpha1.AnnotationHistory, h.String())))
	if err != nil {
		return err
	}
	return r.Client.Patch(ctx, s.cluster.DeepCopy(), p)
}

func (r *ClusterReconciler) patchCluster(ctx context.Context, s *scope, a remedy.PatchCluster) error {
	if err := r.policyHolds(ctx, s); err != nil {
		return err
	}
	if err := r.mayRewrite(ctx, s, a); err != nil {
		return err
	}
	operations := append(patch.Version(a.Cluster.UID, a.Cluster.ResourceVersion), patch.Edits(a.Edits)...)
	p, err := patch.JSON(append(operations, patch.Annotation(s.cluster, v1alpha1.AnnotationHistory, a.History.String())))
	if err != nil {
		return err
	}
	if err := r.Client.Patch(ctx, s.cluster.DeepCopy(), p); err != nil {
		return fmt.Errorf("rewrite the Cluster's rules: %w", err)
	}
	logf.FromContext(ctx).Info("Rewrote stale scheduling rules of the Cluster", "edits", len(a.Edits))
	r.recordEvent(s, nil, a, fmt.Sprintf(eventClusterRewritten, len(a.Edits), s.cluster.Name))
	return nil
}

// markContended records in the history that another writer keeps reverting what Rehome writes.
func (r *ClusterReconciler) markContended(ctx context.Context, s *scope, a remedy.MarkContended) error {
	if err := r.writeHistory(ctx, s, a.Cluster, a.History); err != nil {
		return fmt.Errorf("record the contention: %w", err)
	}
	manager := a.History.Contention.Manager
	logf.FromContext(ctx).Info("Stopped rewriting the Cluster: another writer reverted its rules twice", "manager", manager)
	r.recordEvent(s, nil, a, fmt.Sprintf(eventContended, manager))
	return nil
}
