package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// readSources reads the Backups that the Cluster is restored from. It returns errNotRestored where there are none. A Backup
// that does not tell what was inherited is an obstacle, not an error: nothing is guessed.
func (r *ClusterReconciler) readSources(ctx context.Context, s *scene) error {
	if s.observation.Mode == configv1alpha1.Off {
		return errOff
	}
	names, err := s.origin()
	_, elsewhere := s.cluster.Annotations[kubeblocks.AnnotationMultiClusterPlacement]
	switch {
	case err == nil && len(names) == 0 && s.named == nil:
		return errNotRestored
	case elsewhere:
		s.block(v1alpha1.ReasonMultiCluster, "The Cluster's Pods live behind other API servers, where Rehome sees nothing: it does nothing.")
	case err != nil:
		s.block(v1alpha1.ReasonSourceUnknown, err.Error())
	default:
		return r.readBackups(ctx, s, names)
	}
	return nil
}

// origin returns the Backups that the rules of the Cluster come from, or notes the cluster that the owner named instead.
func (s *scene) origin() ([]types.NamespacedName, error) {
	if s.rehoming == nil || s.rehoming.Spec.Source == nil {
		return kubeblocks.BackupsOf(s.cluster, s.restores)
	}
	source := s.rehoming.Spec.Source
	if source.Backup != nil {
		return []types.NamespacedName{{Namespace: cmp.Or(source.Backup.Namespace, s.cluster.Namespace), Name: source.Backup.Name}}, nil
	}
	s.named = &rewrite.Identity{Namespace: cmp.Or(source.Namespace, s.cluster.Namespace), Name: source.Name}
	return nil, nil
}

func (r *ClusterReconciler) readBackups(ctx context.Context, s *scene, names []types.NamespacedName) error {
	for _, name := range names {
		source, err := r.readSource(ctx, name)
		switch {
		case err == nil:
			s.sources = append(s.sources, source)
		case apierrors.IsForbidden(err):
			s.block(v1alpha1.ReasonSourceUnknown, fmt.Sprintf("Rehome has no right to get Backup %s. Once it has one, it goes on by itself.", name))
			s.observation.Obstacle.Again.Duration = askAgainAfter
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
