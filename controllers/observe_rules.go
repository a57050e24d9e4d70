package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// maxRules is how many rules of a Cluster are compared: as many as all its snapshots can have.
const maxRules = 4000

// compareRules compares the rules of the snapshots with those of the Cluster, its Components and its Restores.
func (r *ClusterReconciler) compareRules(_ context.Context, s *scope) error {
	o := &s.observation
	o.Now = r.now()
	o.Cluster, o.Generation = objectOf(s.cluster), s.cluster.Generation
	var err error
	if o.History, err = remedy.ParseHistory(s.cluster.Annotations[v1alpha1.AnnotationHistory], s.cluster.UID); err != nil {
		s.block(remedy.Obstacle{Reason: v1alpha1.ReasonInvalidHistory, Message: fmt.Sprintf(invalidHistory, v1alpha1.AnnotationHistory, err)})
	}
	o.ClusterOnly = r.RestoresVolumes(s.cluster)
	o.Restoring = !o.ClusterOnly && s.cluster.Annotations[kubeblocks.AnnotationRestoreFromBackup] != ""
	o.Progress = progressOf(s.cluster)
	live := kubeblocks.ClusterPolicies(s.cluster)
	rules := rewrite.CountRules(live)
	s.bytes += rules * ruleBytes
	if rules > maxRules {
		s.block(remedy.Obstacle{Reason: v1alpha1.ReasonInvalidRule, Message: fmt.Sprintf(tooManyRules, maxRules)})
		live = nil
	}
	inherited := s.inherited(live)
	s.edits, o.Inherited = inherited.Edits, rewrittenRules(inherited)
	o.Live, o.Overriding = s.rewritten(live), kubeblocks.Overriding(live)
	s.findings = slices.Concat(o.Inherited, slices.DeleteFunc(slices.Clone(o.Live.Findings), func(f rewrite.Finding) bool {
		return f.Class == rewrite.SourceIdentity || slices.Contains(o.Inherited, f)
	}))
	if s.recalled {
		o.Inherited, s.findings = s.recallFindings(rewrite.SourceIdentity), s.recallFindings("")
	}
	if source := s.sourceStatus(); source != nil {
		o.Source = source.Name
	}
	if len(s.sources) > 0 {
		o.Origin = strings.Join(s.sources[0].Origins, ", ")
	}
	if invalid := o.Live.Of(rewrite.Invalid); len(invalid) > 0 {
		s.block(remedy.Obstacle{Reason: v1alpha1.ReasonInvalidRule, Message: invalid[0].Message})
	}
	for i := range s.components {
		c := &s.components[i]
		policies := kubeblocks.ComponentPolicies(c)
		s.bytes += rewrite.CountRules(policies) * ruleBytes
		stale := len(s.rewritten(policies).Edits) > 0
		o.Components = append(o.Components, remedy.Component{Object: objectOf(c), Stale: stale})
	}
	for i := range s.restores {
		s.compareRestore(&s.restores[i])
	}
	return nil
}

// rewrittenRules returns the findings of the rules that are rewritten: those that name the source, and those that the owner
// consents to scope. Without the first, the second are still inherited.
func rewrittenRules(r rewrite.Result) []rewrite.Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f rewrite.Finding) bool {
		edited := func(e rewrite.Edit) bool { return strings.HasPrefix(e.Path, f.Path+"/") }
		return f.Class != rewrite.SourceIdentity && (f.Class != rewrite.Unscoped || !slices.ContainsFunc(r.Edits, edited))
	})
}

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
		if s.elsewhere(source) {
			// Report no rule that the Cluster does not show itself.
			policies = append(policies, rewrite.Prepare([]rewrite.Source{source}, s.target(), s.options).Held(live)...)
			continue
		}
		for _, policy := range source.Policies {
			if path, ok := paths[policy.Place]; ok {
				policy.Path = path
				policies = append(policies, policy)
			}
		}
	}
	return s.rewritten(policies)
}

// elsewhere reports whether the Backup of a source is in another Namespace, which the owner of the Cluster may have no right to read.
func (s *scope) elsewhere(source rewrite.Source) bool {
	return !strings.HasPrefix(source.Backup, s.cluster.Namespace+"/")
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
	s.bytes += rewrite.CountRules(policies) * ruleBytes
	r.observed = remedy.Restore{
		Object:      objectOf(r.object),
		Owner:       r.owner.Name,
		Component:   kubeblocks.ShortName(r.owner.Labels),
		Stale:       s.rewritten(policies).Edits,
		Strict:      s.strict(policies),
		Replacement: replacementOf(r.object),
		Refused:     r.refused,
		Serial:      r.object.IsSerial(),
		Finished:    r.object.Status.Phase == kubeblocks.RestoreCompleted,
		Failed:      r.object.Status.Phase == kubeblocks.RestoreFailed,
		Deleting:    !r.object.DeletionTimestamp.IsZero(),
	}
}

// replacementOf returns the phase of the replacement of a Restore's rules.
func replacementOf(restore *kubeblocks.Restore) remedy.Replacement {
	next, begun := restore.Annotations[v1alpha1.AnnotationSchedulingSpec]
	current := restore.Spec.PrepareDataConfig.SchedulingSpec
	switch {
	case !begun, !holdsRules(next) && !isEmpty(current):
		return remedy.ReplacementNone
	case !holdsRules(next):
		return remedy.ReplacementLost
	case current == nil:
		return remedy.ReplacementRemoved
	case isEmpty(current):
		return remedy.ReplacementEmptied
	default:
		return remedy.ReplacementReverted
	}
}

// holdsRules reports whether the annotation holds a schedulingSpec. Anybody who can write the Restore can have changed it.
func holdsRules(annotation string) bool {
	var rules map[string]json.RawMessage
	return json.Unmarshal([]byte(annotation), &rules) == nil && len(rules) > 0
}

func isEmpty(policy *kubeblocks.SchedulingPolicy) bool {
	return policy == nil || equality.Semantic.DeepEqual(*policy, kubeblocks.SchedulingPolicy{})
}
