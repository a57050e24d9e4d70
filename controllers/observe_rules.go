package controllers

import (
	"context"
	"slices"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// compareRules compares the rules of the snapshots with those of the Cluster, its Components and its Restores.
func (r *ClusterReconciler) compareRules(_ context.Context, s *scope) error {
	o := &s.observation
	o.Now = r.now()
	o.Cluster, o.Generation, o.History = objectOf(s.cluster), s.cluster.Generation, historyOf(s.cluster)
	o.ClusterOnly = s.cluster.Spec.Restore != nil
	o.Restoring = s.cluster.Annotations[kubeblocks.AnnotationRestoreFromBackup] != ""
	live := kubeblocks.ClusterPolicies(s.cluster)
	inherited := s.inherited(live)
	s.edits, o.Inherited = inherited.Edits, inherited.Of(rewrite.SourceIdentity)
	o.Live = s.rewritten(live)
	s.findings = slices.Concat(o.Inherited, slices.DeleteFunc(slices.Clone(o.Live.Findings), isSourceIdentity))
	if invalid := o.Live.Of(rewrite.Invalid); len(invalid) > 0 {
		s.block(remedy.Obstacle{Reason: v1alpha1.ReasonInvalidRule, Message: invalid[0].Message})
	}
	for i := range s.components {
		c := &s.components[i]
		stale := len(s.rewritten(kubeblocks.ComponentPolicies(c)).Edits) > 0
		o.Components = append(o.Components, remedy.Component{Object: objectOf(c), Stale: stale})
	}
	for i := range s.restores {
		s.compareRestore(&s.restores[i])
	}
	return nil
}

func isSourceIdentity(f rewrite.Finding) bool { return f.Class == rewrite.SourceIdentity }

// rewritten returns the edits that make policies the Cluster's own.
func (s *scope) rewritten(policies []rewrite.Policy) rewrite.Result {
	if s.rewriter == nil {
		s.rewriter = s.newRewriter()
	}
	if s.namedSource != nil {
		return s.rewriter.WithPolicies(policies).Rewrite(policies)
	}
	return s.rewriter.Rewrite(policies)
}

// newRewriter indexes the sources.
func (s *scope) newRewriter() *rewrite.Rewriter {
	sources := s.sources
	if s.namedSource != nil {
		sources = []rewrite.Source{{Identity: *s.namedSource, Components: kubeblocks.ComponentsOf(s.cluster)}}
	}
	return rewrite.Prepare(sources, s.target(), s.options)
}

// inherited returns the edits that the rules of the snapshots need, at their places in the live policies.
func (s *scope) inherited(live []rewrite.Policy) rewrite.Result {
	if s.namedSource != nil {
		return s.rewritten(live)
	}
	paths := make(map[string]string, len(live))
	for i := range live {
		if _, known := paths[live[i].Place]; !known {
			paths[live[i].Place] = live[i].Path
		}
	}
	policies := make([]rewrite.Policy, 0, len(live))
	for _, source := range s.sources {
		for _, policy := range source.Policies {
			if path, ok := paths[policy.Place]; ok {
				policy.Path = path
				policies = append(policies, policy)
			}
		}
	}
	return s.rewritten(policies)
}

func (s *scope) target() rewrite.Identity {
	return rewrite.Identity{Namespace: s.cluster.Namespace, Name: s.cluster.Name, UID: s.cluster.UID}
}

// strict returns the edits that turn required rules among the Cluster's own Pods into preferred ones.
func (s *scope) strict(policies []rewrite.Policy) []rewrite.Edit {
	edits := make([]rewrite.Edit, 0, len(policies))
	for i := range policies {
		edits = append(edits, rewrite.Relax(&policies[i], s.target())...)
	}
	return edits
}

// compareRestore fills in what the Restore itself shows.
func (s *scope) compareRestore(r *restoreScope) {
	policies := kubeblocks.RestorePolicies(r.object, r.owner)
	r.observed = remedy.Restore{
		Object:      objectOf(r.object),
		Owner:       r.owner.Name,
		Component:   kubeblocks.ShortName(r.owner.Labels),
		Stale:       s.rewritten(policies).Edits,
		Strict:      s.strict(policies),
		Replacement: replacementOf(r.object),
		Serial:      r.object.Spec.PrepareDataConfig.VolumeClaimRestorePolicy == kubeblocks.RestoreSerial,
		Finished:    r.object.Status.Phase == kubeblocks.RestoreCompleted,
		Failed:      r.object.Status.Phase == kubeblocks.RestoreFailed,
		Deleting:    !r.object.DeletionTimestamp.IsZero(),
	}
}

func replacementOf(restore *kubeblocks.Restore) remedy.Replacement {
	_, begun := restore.Annotations[v1alpha1.AnnotationSchedulingSpec]
	switch {
	case !begun:
		return remedy.ReplacementNone
	case restore.Spec.PrepareDataConfig.SchedulingSpec == nil:
		return remedy.ReplacementRemoved
	default:
		return remedy.ReplacementReverted
	}
}
