package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// scene is the objects that one reconcile looks at, and the observation made of them.
type scene struct {
	cluster    *kubeblocks.Cluster
	components []kubeblocks.Component
	restores   []kubeblocks.Restore
	// rehoming is nil where there is none.
	rehoming *v1alpha1.Rehoming
	// sources are the clusters of the Backups. Where named is not nil they are empty, and every rule that names it is inherited.
	sources []rewrite.Source
	named   *rewrite.Identity
	// edits and findings are those of all inherited rules, whether they were rewritten before or not.
	edits       []rewrite.Edit
	findings    []rewrite.Finding
	options     rewrite.Options
	observation remedy.Observation
}

// observe gathers all that a decision about the Cluster needs. It returns nil for a Cluster that is gone, going, of another
// generation of KubeBlocks, not restored, or that is to be left alone.
func (r *ClusterReconciler) observe(ctx context.Context, name types.NamespacedName) (*scene, error) {
	s := &scene{cluster: &kubeblocks.Cluster{}}
	if err := r.Client.Get(ctx, name, s.cluster); apierrors.IsNotFound(err) {
		return nil, r.reportNone(ctx, name, noCluster)
	} else if err != nil {
		return nil, fmt.Errorf("get Cluster: %w", err)
	}
	if !s.cluster.DeletionTimestamp.IsZero() || !kubeblocks.OwnedByGeneration(s.cluster, r.Apps.String()) {
		return nil, nil
	}
	for _, read := range []func(context.Context, *scene) error{r.listOwned, r.readRehoming, r.readPolicy, r.readSources, r.compare} {
		switch err := read(ctx, s); {
		case errors.Is(err, errNotRestored):
			return nil, r.reportNone(ctx, name, notRestored)
		case errors.Is(err, errOff):
			return nil, nil
		case err != nil:
			return nil, err
		}
	}
	return s, nil
}

// These end an observation early.
var (
	errNotRestored = errors.New("the Cluster was not restored")
	errOff         = errors.New("the Cluster is in mode Off")
)

// listOwned lists the Components and the Restores that are the Cluster's own.
func (r *ClusterReconciler) listOwned(ctx context.Context, s *scene) error {
	var components kubeblocks.ComponentList
	if err := r.Client.List(ctx, &components, OfCluster(s.cluster)...); err != nil {
		return fmt.Errorf("list Components: %w", err)
	}
	s.components = slices.DeleteFunc(components.Items, func(c kubeblocks.Component) bool {
		return !kubeblocks.OwnedBy(&c, s.cluster)
	})
	var restores kubeblocks.RestoreList
	if err := r.Client.List(ctx, &restores, OfCluster(s.cluster)...); err != nil {
		return fmt.Errorf("list Restores: %w", err)
	}
	s.restores = slices.DeleteFunc(restores.Items, func(restore kubeblocks.Restore) bool {
		return kubeblocks.OwnerComponent(&restore, s.components) == nil
	})
	slices.SortFunc(s.restores, func(a, b kubeblocks.Restore) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// block notes an obstacle, unless one was met before.
func (s *scene) block(reason, message string) {
	if s.observation.Obstacle == nil {
		s.observation.Obstacle = &remedy.Obstacle{Reason: reason, Message: message}
	}
}

// compare fills the observation with what the snapshots, the Cluster, its Components and its Restores hold, and then with what
// there is of Jobs and Pods.
func (r *ClusterReconciler) compare(ctx context.Context, s *scene) error {
	o := &s.observation
	o.Now = metav1.NewTime(r.Clock.Now())
	o.Cluster, o.Generation, o.Ledger = objectOf(s.cluster), s.cluster.Generation, ledgerOf(s.cluster)
	o.ClusterOnly = s.cluster.Spec.Restore != nil
	o.Restoring = s.cluster.Annotations[kubeblocks.AnnotationRestoreFromBackup] != ""
	live := kubeblocks.ClusterPolicies(s.cluster)
	inherited := s.inherited(live)
	s.edits, o.Inherited = inherited.Edits, inherited.Of(rewrite.SourceIdentity)
	o.Live = s.rewritten(live)
	s.findings = slices.Concat(o.Inherited, slices.DeleteFunc(slices.Clone(o.Live.Findings), isSourceIdentity))
	if invalid := o.Live.Of(rewrite.Invalid); len(invalid) > 0 {
		s.block(v1alpha1.ReasonInvalidRule, invalid[0].Message)
	}
	for i := range s.components {
		c := &s.components[i]
		stale := len(s.rewritten(kubeblocks.ComponentPolicies(c)).Edits) > 0
		o.Components = append(o.Components, remedy.Component{Object: objectOf(c), Stale: stale})
	}
	for i := range s.restores {
		o.Restores = append(o.Restores, s.compareRestore(&s.restores[i]))
	}
	return r.seeWorkloads(ctx, s)
}

func isSourceIdentity(f rewrite.Finding) bool { return f.Class == rewrite.SourceIdentity }

// rewritten returns what policies need to be the Cluster's own.
func (s *scene) rewritten(policies []rewrite.Policy) rewrite.Result {
	sources := s.sources
	if s.named != nil {
		sources = []rewrite.Source{{Identity: *s.named, Components: kubeblocks.ComponentsOf(s.cluster), Policies: policies}}
	}
	return rewrite.Rewrite(rewrite.Input{Sources: sources, Target: s.target(), Live: policies, Options: s.options})
}

// inherited returns what all the rules of the snapshots need, at the places where they stand in the live policies.
func (s *scene) inherited(live []rewrite.Policy) rewrite.Result {
	if s.named != nil {
		return s.rewritten(live)
	}
	policies := make([]rewrite.Policy, 0, len(live))
	for _, source := range s.sources {
		for _, policy := range source.Policies {
			if i := slices.IndexFunc(live, func(p rewrite.Policy) bool { return p.Place == policy.Place }); i >= 0 {
				policy.Path = live[i].Path
				policies = append(policies, policy)
			}
		}
	}
	return s.rewritten(policies)
}

func (s *scene) target() rewrite.Identity {
	return rewrite.Identity{Namespace: s.cluster.Namespace, Name: s.cluster.Name, UID: s.cluster.UID}
}

// strict returns the edits that relax what policies require of the Cluster's own Pods.
func (s *scene) strict(policies []rewrite.Policy) []rewrite.Edit {
	edits := make([]rewrite.Edit, 0, len(policies))
	for i := range policies {
		edits = append(edits, rewrite.Relax(&policies[i], s.target())...)
	}
	return edits
}

func (s *scene) compareRestore(restore *kubeblocks.Restore) remedy.Restore {
	owner := kubeblocks.OwnerComponent(restore, s.components)
	policies := kubeblocks.RestorePolicies(restore, owner)
	return remedy.Restore{
		Object:    objectOf(restore),
		Owner:     owner.Name,
		Component: kubeblocks.ShortName(owner.Labels),
		Stale:     s.rewritten(policies).Edits,
		Strict:    s.strict(policies),
		Swap:      swapOf(restore),
		Serial:    restore.Spec.PrepareDataConfig.VolumeClaimRestorePolicy == kubeblocks.RestoreSerial,
		Finished:  restore.Status.Phase == kubeblocks.RestoreCompleted,
		Failed:    restore.Status.Phase == kubeblocks.RestoreFailed,
		Deleting:  !restore.DeletionTimestamp.IsZero(),
		Lost:      lostSpread(restore),
	}
}

// lostSpread returns the message of the condition that says that the Restore's Pods share a node, or an empty string.
func lostSpread(restore *kubeblocks.Restore) string {
	c := meta.FindStatusCondition(restore.Status.Conditions, v1alpha1.ConditionPolicyRehomed)
	if c == nil || c.Reason != v1alpha1.ReasonSpreadLost {
		return ""
	}
	return c.Message
}

func swapOf(restore *kubeblocks.Restore) remedy.Swap {
	_, noted := restore.Annotations[v1alpha1.AnnotationSchedulingSpec]
	switch {
	case !noted:
		return remedy.SwapNone
	case restore.Spec.PrepareDataConfig.SchedulingSpec == nil:
		return remedy.SwapRemoved
	default:
		return remedy.SwapUndone
	}
}

func objectOf(obj client.Object) remedy.Object {
	return remedy.Object{
		NamespacedName:  client.ObjectKeyFromObject(obj),
		UID:             obj.GetUID(),
		ResourceVersion: obj.GetResourceVersion(),
	}
}
