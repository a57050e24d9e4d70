package controllers

import (
	"context"
	"fmt"

	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// act takes one action, and counts what becomes of it.
func (r *ClusterReconciler) act(ctx context.Context, s *scene, action remedy.Action) error {
	err := r.charge(ctx, s, action)
	if err == nil {
		err = r.take(ctx, s, action)
	}
	r.Metrics.did(action.Deed(), err)
	return err
}

// charge counts an attempt before it is made, so that none goes uncounted; the next pass knows one that was counted and not made.
func (r *ClusterReconciler) charge(ctx context.Context, s *scene, action remedy.Action) error {
	charge := remedy.ChargeOf(action)
	if charge == nil {
		return nil
	}
	return r.count(ctx, s, *charge, action.Deed().Action)
}

// take takes an action that was counted. Every write names the version of the object that the decision was made on.
func (r *ClusterReconciler) take(ctx context.Context, s *scene, action remedy.Action) error {
	switch a := action.(type) {
	case remedy.PatchCluster:
		return r.patchCluster(ctx, s, a)
	case remedy.Yield:
		return r.yield(ctx, s, a)
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
		return fmt.Errorf("no such action: %T", action)
	}
}

// count writes an attempt into the ledger. The journal holds it since it was decided on, and drops it when it is not to be made.
func (r *ClusterReconciler) count(ctx context.Context, s *scene, c remedy.Charge, action string) error {
	if err := r.writeLedger(ctx, s, s.observation.Cluster, s.observation.Ledger.With(c, action, s.observation.Now)); err != nil {
		r.journal.drop(s.entry(&c))
		return fmt.Errorf("count an attempt: %w", err)
	}
	return nil
}

func (r *ClusterReconciler) writeLedger(ctx context.Context, s *scene, cluster remedy.Object, l remedy.Ledger) error {
	p, err := patch.JSON(append(patch.Version(cluster.UID, cluster.ResourceVersion),
		patch.Annotation(s.cluster, v1alpha1.AnnotationLedger, l.String())))
	if err != nil {
		return err
	}
	return r.Client.Patch(ctx, s.cluster.DeepCopy(), p)
}

func (r *ClusterReconciler) patchCluster(ctx context.Context, s *scene, a remedy.PatchCluster) error {
	operations := append(patch.Version(a.Cluster.UID, a.Cluster.ResourceVersion), patch.Edits(a.Edits)...)
	p, err := patch.JSON(append(operations, patch.Annotation(s.cluster, v1alpha1.AnnotationLedger, a.Ledger.String())))
	if err != nil {
		return err
	}
	if err := r.Client.Patch(ctx, s.cluster.DeepCopy(), p); err != nil {
		return fmt.Errorf("rewrite the Cluster's rules: %w", err)
	}
	logf.FromContext(ctx).Info("Rewrote inherited scheduling rules of the Cluster", "edits", len(a.Edits))
	r.did(s, nil, a,
		fmt.Sprintf("Rewrote %d places to %s. %s", len(a.Edits), s.cluster.Name, a.Rules))
	return nil
}

// yield notes in the ledger that somebody undoes what Rehome writes, and who that is.
func (r *ClusterReconciler) yield(ctx context.Context, s *scene, a remedy.Yield) error {
	manager, err := r.lastWriter(ctx, s)
	if err != nil {
		return err
	}
	a.Ledger.Contention.Manager = manager
	if err := r.writeLedger(ctx, s, a.Cluster, a.Ledger); err != nil {
		return fmt.Errorf("note the contention: %w", err)
	}
	logf.FromContext(ctx).Info("Left the Cluster alone: its rules were put back twice", "manager", manager)
	r.did(s, nil, a,
		fmt.Sprintf("Field manager %q put back rules that name the source cluster twice: Rehome leaves the Cluster alone until its spec changes.", manager))
	return nil
}
