package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// scene is the objects that one reconcile looks at, and the observation made of them.
type scene struct {
	cluster     *kubeblocks.Cluster
	components  []kubeblocks.Component
	restores    []kubeblocks.Restore
	sources     []rewrite.Source
	observation remedy.Observation
}

// observe gathers all that a decision about the Cluster needs. It returns nil for a Cluster that is gone, going, of another
// generation of KubeBlocks, not restored, or that is to be left alone.
func (r *ClusterReconciler) observe(ctx context.Context, name types.NamespacedName) (*scene, error) {
	s := &scene{cluster: &kubeblocks.Cluster{}}
	if err := r.Client.Get(ctx, name, s.cluster); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	if !s.cluster.DeletionTimestamp.IsZero() || !kubeblocks.OwnedByGeneration(s.cluster, r.Apps.String()) {
		return nil, nil
	}
	for _, read := range []func(context.Context, *scene) error{r.listOwned, r.readMode, r.readSources, r.compare} {
		if err := read(ctx, s); err != nil {
			if errors.Is(err, errNothingToDo) {
				return nil, nil
			}
			return nil, err
		}
	}
	return s, nil
}

// errNothingToDo ends an observation early.
var errNothingToDo = errors.New("the Cluster is none of Rehome's")

// listOwned lists the Components and the Restores that are the Cluster's own.
func (r *ClusterReconciler) listOwned(ctx context.Context, s *scene) error {
	mine := []client.ListOption{
		client.InNamespace(s.cluster.Namespace),
		client.MatchingLabels{kubeblocks.LabelInstance: s.cluster.Name},
	}
	var components kubeblocks.ComponentList
	if err := r.Client.List(ctx, &components, mine...); err != nil {
		return fmt.Errorf("list Components: %w", err)
	}
	s.components = slices.DeleteFunc(components.Items, func(c kubeblocks.Component) bool {
		return !kubeblocks.OwnedBy(&c, s.cluster)
	})
	var restores kubeblocks.RestoreList
	if err := r.Client.List(ctx, &restores, mine...); err != nil {
		return fmt.Errorf("list Restores: %w", err)
	}
	s.restores = slices.DeleteFunc(restores.Items, func(restore kubeblocks.Restore) bool {
		return kubeblocks.OwnerComponent(&restore, s.components) == nil
	})
	slices.SortFunc(s.restores, func(a, b kubeblocks.Restore) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// readSources reads the Backups that the Cluster is restored from. It returns errNothingToDo where there are none. A Backup
// that does not tell what was inherited is an obstacle, not an error: nothing is guessed.
func (r *ClusterReconciler) readSources(ctx context.Context, s *scene) error {
	if s.observation.Mode == configv1alpha1.Off {
		return errNothingToDo
	}
	names, err := kubeblocks.BackupsOf(s.cluster, s.restores)
	_, elsewhere := s.cluster.Annotations[kubeblocks.AnnotationMultiClusterPlacement]
	switch {
	case err == nil && len(names) == 0:
		return errNothingToDo
	case elsewhere:
		s.block(v1alpha1.ReasonMultiCluster, "The Cluster's Pods live behind other API servers, where Rehome sees nothing: it does nothing.")
	case err != nil:
		s.block(v1alpha1.ReasonSourceUnknown, err.Error())
	default:
		return r.readBackups(ctx, s, names)
	}
	return nil
}

func (r *ClusterReconciler) readBackups(ctx context.Context, s *scene, names []types.NamespacedName) error {
	for _, name := range names {
		source, err := r.readSource(ctx, name)
		switch {
		case err == nil:
			s.sources = append(s.sources, source)
		case apierrors.IsNotFound(err), errors.Is(err, errNoBackup),
			errors.Is(err, kubeblocks.ErrNoSnapshot), errors.Is(err, kubeblocks.ErrBadSnapshot):
			s.block(v1alpha1.ReasonSourceUnknown, err.Error())
		default:
			return err
		}
	}
	return nil
}

// errNoBackup says that a reference cannot be one to a Backup: asking the API server again would not help.
var errNoBackup = errors.New("is not the name of a Backup")

func (r *ClusterReconciler) readSource(ctx context.Context, name types.NamespacedName) (rewrite.Source, error) {
	if len(validation.NameIsDNSSubdomain(name.Name, false)) > 0 || len(validation.ValidateNamespaceName(name.Namespace, false)) > 0 {
		return rewrite.Source{}, fmt.Errorf("%q %w", name, errNoBackup)
	}
	var backup kubeblocks.Backup
	if err := r.Client.Get(ctx, name, &backup); err != nil {
		return rewrite.Source{}, fmt.Errorf("get Backup %s: %w", name, err)
	}
	return kubeblocks.SourceOf(&backup)
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
	o.Limits, o.RestorePods = r.Config.Limits, r.Config.RestorePods
	o.ClusterOnly = s.cluster.Spec.Restore != nil
	for _, source := range s.sources {
		o.Inherited = append(o.Inherited, r.rewritten(s, source.Policies).Of(rewrite.SourceIdentity)...)
	}
	o.Live = r.rewritten(s, kubeblocks.ClusterPolicies(s.cluster))
	if invalid := o.Live.Of(rewrite.Invalid); len(invalid) > 0 {
		s.block(v1alpha1.ReasonInvalidRule, invalid[0].Message)
	}
	for i := range s.components {
		c := &s.components[i]
		stale := len(r.rewritten(s, kubeblocks.ComponentPolicies(c)).Edits) > 0
		o.Components = append(o.Components, remedy.Component{Object: objectOf(c), Stale: stale})
	}
	for i := range s.restores {
		o.Restores = append(o.Restores, r.compareRestore(s, &s.restores[i]))
	}
	return r.seeWorkloads(ctx, s)
}

// rewritten returns what policies need to be the Cluster's own.
func (r *ClusterReconciler) rewritten(s *scene, policies []rewrite.Policy) rewrite.Result {
	return rewrite.Rewrite(rewrite.Input{
		Sources: s.sources,
		Target:  s.target(),
		Live:    policies,
		Options: rewrite.Options{IdentityLabels: r.Config.IdentityLabels},
	})
}

func (s *scene) target() rewrite.Identity {
	return rewrite.Identity{Namespace: s.cluster.Namespace, Name: s.cluster.Name, UID: s.cluster.UID}
}

// strict returns the edits that relax what policies require of the Cluster's own Pods.
func (s *scene) strict(policies []rewrite.Policy) []rewrite.Edit {
	var edits []rewrite.Edit
	for i := range policies {
		edits = append(edits, rewrite.Relax(&policies[i], s.target())...)
	}
	return edits
}

func (r *ClusterReconciler) compareRestore(s *scene, restore *kubeblocks.Restore) remedy.Restore {
	owner := kubeblocks.OwnerComponent(restore, s.components)
	policies := kubeblocks.RestorePolicies(restore, owner)
	return remedy.Restore{
		Object:    objectOf(restore),
		Owner:     owner.Name,
		Component: kubeblocks.ShortName(owner.Labels),
		Stale:     r.rewritten(s, policies).Edits,
		Strict:    s.strict(policies),
		Swap:      swapOf(restore),
		Serial:    restore.Spec.PrepareDataConfig.VolumeClaimRestorePolicy == kubeblocks.RestoreSerial,
		Finished:  restore.Status.Phase == kubeblocks.RestoreCompleted,
		Failed:    restore.Status.Phase == kubeblocks.RestoreFailed,
		Deleting:  !restore.DeletionTimestamp.IsZero(),
	}
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
