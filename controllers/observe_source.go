package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/sources"
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
	case s.observation.Obstacle != nil: // the Backups would decide nothing
	default:
		return r.readBackups(ctx, s, backups)
	}
	return nil
}

// backups returns the Backups that the rules of the Cluster come from. Where the owner named a cluster instead, it sets
// namedSource.
func (s *scope) backups() (backups []types.NamespacedName, err error) {
	backups, s.namedSource, err = s.owner().Backups(s.cluster, s.restoreObjects())
	return backups, err
}

func (s *scope) restoreObjects() []kubeblocks.Restore {
	objects := make([]kubeblocks.Restore, 0, len(s.restores))
	for _, r := range s.restores {
		objects = append(objects, *r.object)
	}
	return objects
}

// readBackups reads the Backups of those names, at most sources.MaxBackups. Rules that only an unread Backup would show as inherited are
// kept, and the others are rewritten. Where no Backup can be read, that is an obstacle.
func (r *ClusterReconciler) readBackups(ctx context.Context, s *scope, names []types.NamespacedName) error {
	var unread []remedy.Obstacle
	// expired says that the Backups that cannot be read were read before, and that nothing is undecided.
	expired := s.isDecided()
	if omitted := len(names) - sources.MaxBackups; omitted > 0 {
		unread = append(unread, remedy.Obstacle{Reason: v1alpha1.ReasonSourceUnknown, Message: fmt.Sprintf(tooManyBackups, len(names), sources.MaxBackups)})
		names = names[:sources.MaxBackups]
	}
	names = slices.SortedFunc(slices.Values(names), func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
	get := func(ctx context.Context, name types.NamespacedName) (*kubeblocks.Backup, error) {
		return r.getBackup(ctx, s, name)
	}
	backups := &sources.Backups{Get: get, Namespace: s.cluster.Namespace, Elsewhere: r.Config.ReadsElsewhere()}
	for _, name := range names {
		source, err := backups.Read(ctx, name)
		if err == nil {
			s.sources = append(s.sources, source)
			continue
		}
		obstacle := obstacleOf(err, name, r.untilItAppears(s))
		if obstacle == nil {
			return err
		}
		if name.Namespace != s.cluster.Namespace {
			logf.FromContext(ctx).Info("A Backup in another Namespace cannot be used", "backup", name, "reason", err.Error())
			obstacle = elsewhereObstacle(err, name)
		}
		unread = append(unread, *obstacle)
		if errors.Is(err, kubeblocks.ErrExhausted) {
			expired = false
			break
		}
		expired = expired && slices.Contains(s.rehoming.Status.Backups, v1alpha1.BackupReference{Namespace: name.Namespace, Name: name.Name})
	}
	switch {
	case len(unread) == 0:
	case len(s.sources) == 0 || expired: // recall replaces what was read before
		s.block(unread[0])
	default:
		s.observation.Unread = &unread[0]
	}
	return nil
}

// untilItAppears returns when to read a missing Backup again, or zero for an old Cluster. Git can create it after the Cluster.
func (r *ClusterReconciler) untilItAppears(s *scope) time.Duration {
	if r.Clock.Since(s.cluster.CreationTimestamp.Time) >= backupPatience {
		return 0
	}
	return r.unannounced(s, maxBackupInterval)
}

// obstacleOf returns why a Backup does not show what was inherited, and when to read it again if it is missing. It returns nil for an
// error that a retry may solve.
func obstacleOf(err error, name types.NamespacedName, missing time.Duration) *remedy.Obstacle {
	switch {
	case apierrors.IsForbidden(err):
		return &remedy.Obstacle{
			Reason: v1alpha1.ReasonSourceUnknown, Message: fmt.Sprintf(backupForbidden, name),
			RequeueAfter: metav1.Duration{Duration: requeueForbidden},
		}
	case apierrors.IsNotFound(err):
		return &remedy.Obstacle{Reason: v1alpha1.ReasonSourceUnknown, Message: err.Error(), RequeueAfter: metav1.Duration{Duration: missing}}
	case errors.Is(err, sources.ErrNoBackup), errors.Is(err, sources.ErrElsewhere),
		errors.Is(err, kubeblocks.ErrNoSnapshot), errors.Is(err, kubeblocks.ErrBadSnapshot):
		return &remedy.Obstacle{Reason: v1alpha1.ReasonSourceUnknown, Message: err.Error()}
	default:
		return nil
	}
}

// elsewhereObstacle is the same for every Backup in another Namespace, whether it is missing, forbidden or bad. The owner of the
// Cluster may have no right to read that Namespace. Only the configuration tells nothing about the Backup.
func elsewhereObstacle(err error, name types.NamespacedName) *remedy.Obstacle {
	obstacle := &remedy.Obstacle{Reason: v1alpha1.ReasonSourceUnknown, Message: fmt.Sprintf(backupElsewhere, name)}
	if errors.Is(err, sources.ErrElsewhere) {
		obstacle.Message = err.Error()
		return obstacle
	}
	obstacle.RequeueAfter.Duration = requeueForbidden
	return obstacle
}

// maxBackups limits the metadata of all Backups of a Cluster, in bytes. It is twice what the snapshots in it can have together: labels and
// managed fields have no limit of their own.
const maxBackups = 8 * kubeblocks.MaxSnapshot

// getBackup makes a live read, because a snapshot is large and is needed once.
func (r *ClusterReconciler) getBackup(ctx context.Context, s *scope, name types.NamespacedName) (*kubeblocks.Backup, error) {
	backup, err := sources.Metadata(r.APIReader)(ctx, name)
	if err != nil {
		return nil, err
	}
	if s.bytes += backup.ObjectMeta.Size(); s.bytes > maxBackups {
		return nil, fmt.Errorf("%w: %w", kubeblocks.ErrBadSnapshot, kubeblocks.ErrExhausted)
	}
	return backup, nil
}
