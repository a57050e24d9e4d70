package admission

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
	"github.com/rehome-operator/rehome/pkg/sources"
)

// decisions is what the owner of a Cluster and the site decided.
type decisions struct {
	sources.Owner
	mode configv1alpha1.Mode
}

// readDecisions reads the Rehoming and the Namespace of a Cluster. The UID is empty for a Cluster that is being created. An invalid
// mode lets Rehome do nothing: the operator reports it.
func (h *Handler) readDecisions(ctx context.Context, name types.NamespacedName, uid types.UID) (decisions, error) {
	rehoming, namespace := &v1alpha1.Rehoming{}, &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	var d decisions
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		err := h.APIReader.Get(ctx, name, rehoming)
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return fmt.Errorf("get Rehoming: %w", err)
		}
		d.Owner = sources.OwnerOf(rehoming, uid)
		return nil
	})
	group.Go(func() error {
		if err := h.APIReader.Get(ctx, types.NamespacedName{Name: name.Namespace}, namespace); err != nil {
			return fmt.Errorf("get Namespace: %w", err)
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return d, err
	}
	mode, err := d.Mode(namespace, h.Config.Mode)
	if err != nil {
		mode = configv1alpha1.Disabled
	}
	d.mode = mode
	return d, nil
}

// hasClaims reports whether claims with these labels exist. Their volumes can admit a stale rule and not the rewritten one, and
// only the operator proves that.
func (h *Handler) hasClaims(ctx context.Context, namespace string, labels client.MatchingLabels) (bool, error) {
	claims := &metav1.PartialObjectMetadataList{}
	claims.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaimList"))
	if err := h.APIReader.List(ctx, claims, client.InNamespace(namespace), labels, client.Limit(1)); err != nil {
		return false, fmt.Errorf("list claims: %w", err)
	}
	return len(claims.Items) > 0, nil
}

// maxClaims limits how many claims are read.
const maxClaims = 500

// hasVolumes reports whether claims with these labels are bound, or are too many to say. The Pods that restored those volumes are gone, so
// no rule keeps the Pods of another Restore off their nodes. The operator does that.
func (h *Handler) hasVolumes(ctx context.Context, namespace string, labels client.MatchingLabels) (bool, error) {
	claims := &corev1.PersistentVolumeClaimList{}
	if err := h.APIReader.List(ctx, claims, client.InNamespace(namespace), labels, client.Limit(maxClaims)); err != nil {
		return false, fmt.Errorf("list claims: %w", err)
	}
	bound := func(c corev1.PersistentVolumeClaim) bool { return c.Spec.VolumeName != "" }
	return claims.Continue != "" || slices.ContainsFunc(claims.Items, bound), nil
}

// inheritance is where the rules of a Cluster come from.
type inheritance struct {
	rewriter *rewrite.Rewriter
	// version is the oldest of KubeBlocks that can restore the Cluster.
	version kubeblocks.Version
	// source is the source cluster, for people; empty where none is known.
	source string
	// byName says that every rule which names the source is inherited, because the owner named the source.
	byName bool
	// unread says that a Backup cannot be read, or is one too many.
	unread bool
	// failed says that the API server did not let a Backup be read, although Rehome has the right to.
	failed bool
}

// readAhead starts to read the Backups of a Cluster, before it is known whether the owner named others.
func (h *Handler) readAhead(ctx context.Context, cluster *kubeblocks.Cluster, restores []kubeblocks.Restore) *sources.Backups {
	backups := &sources.Backups{Get: h.getBackup, Namespace: cluster.Namespace, Elsewhere: h.Config.ReadsElsewhere()}
	if names, err := kubeblocks.BackupsOf(cluster, restores); err == nil {
		backups.ReadAhead(ctx, names)
	}
	return backups
}

// readInheritance reads the Backups of a Cluster.
func (h *Handler) readInheritance(
	ctx context.Context, cluster *kubeblocks.Cluster, restores []kubeblocks.Restore, d decisions, backups *sources.Backups,
) inheritance {
	target := rewrite.Identity{Namespace: cluster.Namespace, Name: cluster.Name, UID: cluster.UID}
	names, named, err := d.Backups(cluster, restores)
	if err != nil {
		return inheritance{version: h.Served.Version(), unread: true, rewriter: rewrite.Prepare(nil, target, rewrite.Options{})}
	}
	i := inheritance{version: h.Served.Version(), byName: named != nil}
	var from []rewrite.Source
	if named != nil {
		from = append(from, rewrite.Source{Identity: *named, Components: kubeblocks.ComponentsOf(cluster)})
	}
	if len(names) > sources.MaxBackups {
		names, i.unread = names[:sources.MaxBackups], true
	}
	slices.SortFunc(names, func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
	get := backups.Get
	backups.Get = func(ctx context.Context, name types.NamespacedName) (*kubeblocks.Backup, error) {
		backup, err := get(ctx, name)
		i.failed = i.failed || err != nil && !h.isExpected(err, name.Namespace)
		return backup, err
	}
	for _, name := range names {
		source, err := backups.Read(ctx, name)
		if err != nil {
			logf.FromContext(ctx).Info("A Backup cannot be read", "backup", name, "reason", err.Error())
			i.unread = true
			continue
		}
		from = append(from, source)
	}
	if len(from) > 0 {
		i.source = from[0].Name
	}
	i.rewriter = rewrite.Prepare(from, target, d.Options(&h.Config))
	return i
}

// isExpected reports whether an error of a read of a Backup in a Namespace is none of the installation: a Cluster can name any Backup.
func (h *Handler) isExpected(err error, namespace string) bool {
	limited := len(h.Config.WatchNamespaces) > 0 && !slices.Contains(h.Config.WatchNamespaces, namespace)
	return apierrors.IsNotFound(err) || limited && apierrors.IsForbidden(err)
}

func (i *inheritance) rewrite(policies []rewrite.Policy) rewrite.Result {
	if i.byName {
		return i.rewriter.WithPolicies(policies).Rewrite(policies)
	}
	return i.rewriter.Rewrite(policies)
}

// getBackup reads the metadata of a Backup. Concurrent requests share one read. A Backup that was missing is read again, because the shared read can have begun before the Backup was created.
func (h *Handler) getBackup(ctx context.Context, name types.NamespacedName) (*kubeblocks.Backup, error) {
	backup, shared, err := h.sharedBackup(ctx, name)
	if shared && apierrors.IsNotFound(err) {
		backup, _, err = h.sharedBackup(ctx, name)
	}
	return backup, err
}

func (h *Handler) sharedBackup(ctx context.Context, name types.NamespacedName) (*kubeblocks.Backup, bool, error) {
	// A read is not limited once its request is answered: it does not end with the request, so another one would begin at once.
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	read := h.reads.DoChan(name.String(), func() (any, error) {
		// The read must not end with the request that began it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadline)
		defer cancel()
		return sources.Metadata(h.APIReader)(ctx, name)
	})
	select {
	case <-ctx.Done():
		return nil, false, ctx.Err()
	case result := <-read:
		backup, _ := result.Val.(*kubeblocks.Backup)
		return backup, result.Shared, result.Err
	}
}
