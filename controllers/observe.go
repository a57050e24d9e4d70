package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

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
// generation of KubeBlocks, or not restored.
func (r *ClusterReconciler) observe(ctx context.Context, name types.NamespacedName) (*scene, error) {
	s := &scene{cluster: &kubeblocks.Cluster{}}
	if err := r.Client.Get(ctx, name, s.cluster); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	if !s.cluster.DeletionTimestamp.IsZero() || !kubeblocks.OwnedByGeneration(s.cluster, r.Apps.String()) {
		return nil, nil
	}
	if err := r.listOwned(ctx, s); err != nil {
		return nil, err
	}
	restored, err := r.readSources(ctx, s)
	if err != nil || !restored {
		return nil, err
	}
	if err := r.compare(ctx, s); err != nil {
		return nil, err
	}
	return s, nil
}

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

// readSources reads the Backups that the Cluster is restored from. It returns false where there are none. A Backup that
// does not tell what was inherited is an obstacle, not an error: nothing is guessed.
func (r *ClusterReconciler) readSources(ctx context.Context, s *scene) (restored bool, err error) {
	if _, ok := s.cluster.Annotations[kubeblocks.AnnotationMultiClusterPlacement]; ok {
		s.block(v1alpha1.ReasonMultiCluster, "The Cluster's Pods live behind other API servers, where Rehome sees nothing: it does nothing.")
		return len(s.restores) > 0, nil
	}
	names, err := kubeblocks.BackupsOf(s.cluster, s.restores)
	if err != nil {
		s.block(v1alpha1.ReasonSourceUnknown, err.Error())
		return true, nil
	}
	for _, name := range names {
		source, err := r.readSource(ctx, name)
		switch {
		case err == nil:
			s.sources = append(s.sources, source)
		case apierrors.IsNotFound(err), errors.Is(err, errNoBackup),
			errors.Is(err, kubeblocks.ErrNoSnapshot), errors.Is(err, kubeblocks.ErrBadSnapshot):
			s.block(v1alpha1.ReasonSourceUnknown, err.Error())
		default:
			return false, err
		}
	}
	return len(names) > 0, nil
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

func (s *scene) block(reason, message string) {
	s.observation.Obstacle = &remedy.Obstacle{Reason: reason, Message: message}
}

// compare fills the observation: what the snapshots, the Cluster, its Components and its Restores hold, and what started.
func (r *ClusterReconciler) compare(ctx context.Context, s *scene) error {
	target := rewrite.Identity{Namespace: s.cluster.Namespace, Name: s.cluster.Name, UID: s.cluster.UID}
	rewritten := func(live []rewrite.Policy) rewrite.Result {
		return rewrite.Rewrite(rewrite.Input{Sources: s.sources, Target: target, Live: live, Options: r.Options})
	}

	o := &s.observation
	o.Cluster = objectOf(s.cluster)
	for _, source := range s.sources {
		o.Inherited = append(o.Inherited, rewritten(source.Policies).Of(rewrite.SourceIdentity)...)
	}
	o.Live = rewritten(kubeblocks.ClusterPolicies(s.cluster))
	if invalid := o.Live.Of(rewrite.Invalid); len(invalid) > 0 {
		s.block(v1alpha1.ReasonInvalidRule, invalid[0].Message)
	}
	for i := range s.components {
		c := &s.components[i]
		stale := len(rewritten(kubeblocks.ComponentPolicies(c)).Edits) > 0
		o.Components = append(o.Components, remedy.Component{Object: objectOf(c), Stale: stale})
	}
	for i := range s.restores {
		restore, owner := &s.restores[i], kubeblocks.OwnerComponent(&s.restores[i], s.components)
		stale := len(rewritten(kubeblocks.RestorePolicies(restore, owner)).Edits) > 0
		o.Restores = append(o.Restores, remedy.Restore{
			Object:    objectOf(restore),
			Component: owner.Name,
			Stale:     stale,
			Finished:  restore.Status.Phase == kubeblocks.RestoreCompleted || restore.Status.Phase == kubeblocks.RestoreFailed,
			Deleting:  !restore.DeletionTimestamp.IsZero(),
		})
	}
	return r.seeWhatStarted(ctx, s)
}

func objectOf(obj client.Object) remedy.Object {
	return remedy.Object{
		NamespacedName:  client.ObjectKeyFromObject(obj),
		UID:             obj.GetUID(),
		ResourceVersion: obj.GetResourceVersion(),
	}
}

// seeWhatStarted asks the API server, not the cache, what has started: only where an action could hang on it.
func (r *ClusterReconciler) seeWhatStarted(ctx context.Context, s *scene) error {
	o := &s.observation
	if len(o.Live.Edits) > 0 {
		bound, err := r.boundComponents(ctx, s.cluster)
		if err != nil {
			return err
		}
		o.Bound = bound
	}
	for i := range o.Restores {
		restore := &o.Restores[i]
		if !restore.Stale || restore.Finished {
			continue
		}
		started, err := r.startedPart(ctx, &s.restores[i])
		if err != nil {
			return err
		}
		restore.Started = started
	}
	return nil
}

// boundComponents returns the components, by their names in the Cluster's spec, with a database Pod bound to a node.
func (r *ClusterReconciler) boundComponents(ctx context.Context, cluster *kubeblocks.Cluster) (map[string]bool, error) {
	var pods corev1.PodList
	err := r.Client.List(ctx, &pods, client.InNamespace(cluster.Namespace),
		client.MatchingLabels{kubeblocks.LabelInstance: cluster.Name})
	if err != nil {
		return nil, fmt.Errorf("list Pods of the cluster: %w", err)
	}
	bound := map[string]bool{}
	for _, pod := range pods.Items {
		if pod.Spec.NodeName != "" && pod.Labels[kubeblocks.LabelManagedBy] != kubeblocks.ManagedByDataProtection {
			bound[kubeblocks.ShortName(pod.Labels)] = true
		}
	}
	return bound, nil
}

// startedPart names the first part of a Restore that ever started, or returns an empty string.
func (r *ClusterReconciler) startedPart(ctx context.Context, restore *kubeblocks.Restore) (string, error) {
	ofRestore := []client.ListOption{
		client.InNamespace(restore.Namespace),
		client.MatchingLabels{kubeblocks.LabelRestore: restore.Name},
	}
	var jobs batchv1.JobList
	if err := r.Client.List(ctx, &jobs, ofRestore...); err != nil {
		return "", fmt.Errorf("list Jobs of the Restore: %w", err)
	}
	var pods corev1.PodList
	if err := r.Client.List(ctx, &pods, ofRestore...); err != nil {
		return "", fmt.Errorf("list Pods of the Restore: %w", err)
	}
	return kubeblocks.StartedPart(restore, jobs.Items, pods.Items), nil
}
