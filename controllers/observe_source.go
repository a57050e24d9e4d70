package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// readSources reads the Backups that the Cluster is restored from. Nothing is guessed: a Backup that does not show what was
// inherited is an obstacle, not an error.
func (r *ClusterReconciler) readSources(ctx context.Context, s *scope) error {
	backups, err := s.backups()
	_, elsewhere := s.cluster.Annotations[kubeblocks.AnnotationMultiClusterPlacement]
	switch {
	case err == nil && len(backups) == 0 && s.namedSource == nil:
		s.skip = skipNotRestored
	case elsewhere:
		s.block(remedy.Obstacle{Reason: v1alpha1.ReasonMultiCluster, Message: multiCluster})
	case err != nil:
		s.block(remedy.Obstacle{Reason: v1alpha1.ReasonSourceUnknown, Message: err.Error()})
	default:
		return r.readBackups(ctx, s, backups)
	}
	return nil
}

// backups returns the Backups that the rules of the Cluster come from. Where the owner named a cluster instead, it sets
// namedSource.
func (s *scope) backups() ([]types.NamespacedName, error) {
	if s.rehoming == nil || s.rehoming.Spec.Source == nil {
		return kubeblocks.BackupsOf(s.cluster, s.restoreObjects())
	}
	source := s.rehoming.Spec.Source
	if source.Backup != nil {
		return []types.NamespacedName{{Namespace: cmp.Or(source.Backup.Namespace, s.cluster.Namespace), Name: source.Backup.Name}}, nil
	}
	s.namedSource = &rewrite.Identity{Namespace: cmp.Or(source.Namespace, s.cluster.Namespace), Name: source.Name}
	return nil, nil
}

func (s *scope) restoreObjects() []kubeblocks.Restore {
	objects := make([]kubeblocks.Restore, 0, len(s.restores))
	for _, r := range s.restores {
		objects = append(objects, *r.object)
	}
	return objects
}

func (r *ClusterReconciler) readBackups(ctx context.Context, s *scope, names []types.NamespacedName) error {
	for _, name := range names {
		source, err := r.readSource(ctx, name)
		switch {
		case err == nil:
			s.sources = append(s.sources, source)
		case apierrors.IsForbidden(err):
			s.block(remedy.Obstacle{
				Reason: v1alpha1.ReasonSourceUnknown, Message: fmt.Sprintf(backupForbidden, name),
				RequeueAfter: metav1.Duration{Duration: requeueForbidden},
			})
		case apierrors.IsNotFound(err), errors.Is(err, errNoBackup),
			errors.Is(err, kubeblocks.ErrNoSnapshot), errors.Is(err, kubeblocks.ErrBadSnapshot):
			s.block(remedy.Obstacle{Reason: v1alpha1.ReasonSourceUnknown, Message: err.Error()})
		default:
			return err
		}
	}
	return nil
}

// errNoBackup says that a reference cannot name a Backup, so that a retry would not help.
var errNoBackup = errors.New("is not the name of a Backup")

// readSource makes a live read, because a snapshot is large and is needed once.
func (r *ClusterReconciler) readSource(ctx context.Context, name types.NamespacedName) (rewrite.Source, error) {
	if len(validation.NameIsDNSSubdomain(name.Name, false)) > 0 || len(validation.ValidateNamespaceName(name.Namespace, false)) > 0 {
		return rewrite.Source{}, fmt.Errorf("%q %w", name, errNoBackup)
	}
	var backup kubeblocks.Backup
	if err := r.APIReader.Get(ctx, name, &backup); err != nil {
		return rewrite.Source{}, fmt.Errorf("get Backup %s: %w", name, err)
	}
	return kubeblocks.SourceOf(&backup)
}
