package controllers

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/sources"
)

// act records the attempts of actions in one write, then takes each. One that fails does not keep the others from being taken.
func (r *ClusterReconciler) act(ctx context.Context, s *scope, actions []remedy.Action) error {
	if err := r.recordAttempts(ctx, s, countedOf(actions)); err != nil {
		return err
	}
	errs := make([]error, 0, len(actions))
	for _, action := range actions {
		if s.postpones(action) {
			continue
		}
		err := r.take(ctx, s, action)
		r.count(action, err)
		if errs = append(errs, err); !isAnswered(err) {
			break
		}
	}
	return joined(errs...)
}

// count counts an action. One that came too late counts as neither taken nor failed.
func (r *ClusterReconciler) count(action remedy.Action, err error) {
	switch {
	case err == nil:
		r.Metrics.ObserveTaken(action)
	case !isStale(err):
		r.Metrics.ObserveFailed(action)
	}
}

// recordAttempts writes the attempts into the history before the actions are taken, so that every attempt is counted. The next
// reconcile takes an action whose attempt was recorded and which was then not taken.
func (r *ClusterReconciler) recordAttempts(ctx context.Context, s *scope, actions []remedy.Action) error {
	if len(actions) == 0 {
		return nil
	}
	history := s.observation.History
	for _, action := range actions {
		history = history.With(*action.Attempt(), action.Name(), s.observation.Now)
	}
	err := r.writeHistory(ctx, s, s.observation.Cluster, history)
	if err == nil {
		return nil
	}
	r.release(s, remedy.Attempts(actions))
	for _, action := range actions {
		r.count(action, err)
	}
	return fmt.Errorf("record attempts: %w", err)
}

// release releases attempts that were reserved and not recorded.
func (r *ClusterReconciler) release(s *scope, keys []attempts.Key) {
	for _, key := range keys {
		r.Attempts.Release(s.attempt(key))
	}
}

// take takes an action. Every write is pinned to the version of the object that the decision is based on.
func (r *ClusterReconciler) take(ctx context.Context, s *scope, action remedy.Action) error {
	switch a := action.(type) {
	case remedy.PatchCluster:
		err := r.patchCluster(ctx, s, a)
		if err != nil {
			r.release(s, a.Ahead)
		}
		return err
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
	case remedy.PatchInstance:
		return r.patchInstance(ctx, s, a)
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
	operations = append(operations, patch.Annotation(s.cluster, v1alpha1.AnnotationHistory, a.History.String()))
	mark, err := r.mark(s, a)
	if err != nil {
		return err
	}
	p, err := patch.JSON(append(operations, mark...))
	if err != nil {
		return err
	}
	if err := r.Client.Patch(ctx, s.cluster.DeepCopy(), p); err != nil {
		return fmt.Errorf("rewrite the Cluster's rules: %w", err)
	}
	if len(a.Ahead) > 0 {
		r.budgets.hasRewritten(s.name, r.Clock.Now())
	}
	logf.FromContext(ctx).Info("Rewrote stale scheduling rules of the Cluster", "edits", len(a.Edits))
	r.recordEvent(s, nil, a, fmt.Sprintf(eventClusterRewritten, len(a.Edits), s.cluster.Name))
	return nil
}

// mark returns the operations that let the webhook keep the rewritten rules, where it is served. They must stand behind the operation that
// adds the history, which creates metadata.annotations where there is none.
func (r *ClusterReconciler) mark(s *scope, a remedy.PatchCluster) ([]patch.Operation, error) {
	if !r.Config.ServesWebhook() {
		return nil, nil
	}
	object, err := json.Marshal(s.cluster)
	if err != nil {
		return nil, fmt.Errorf("marshal the Cluster: %w", err)
	}
	edited, err := patch.Apply(object, a.Edits)
	if err != nil {
		return nil, err
	}
	annotated := s.cluster.DeepCopy()
	metav1.SetMetaDataAnnotation(&annotated.ObjectMeta, v1alpha1.AnnotationHistory, a.History.String())
	mark, fits, err := sources.Mark(annotated, edited, sources.Rewritten(s.cluster), a.Edits)
	if err != nil || !fits {
		return nil, err
	}
	return []patch.Operation{patch.Annotation(annotated, v1alpha1.AnnotationRewrittenRules, mark)}, nil
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
