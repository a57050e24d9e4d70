package sources

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Owner is what the owner of a Cluster decided.
type Owner struct {
	// Rehoming is nil where there is none, or where it belongs to a deleted Cluster of the same name. Then Restraint is its mode,
	// if that lets Rehome do less.
	Rehoming  *v1alpha1.Rehoming
	Restraint configv1alpha1.Mode
}

// OwnerOf returns what a Rehoming says about the Cluster of its name with a UID, which is empty for a Cluster that is being created.
// The consents and the source of a Rehoming that a deleted Cluster owns, or that is being deleted, were not given for this Cluster.
// Its mode is obeyed while it exists, if that lets Rehome do less: somebody who says stop is obeyed.
func OwnerOf(rehoming *v1alpha1.Rehoming, uid types.UID) Owner {
	owner := ClusterOwner(rehoming)
	mode := configv1alpha1.Mode(rehoming.Spec.Mode)
	switch {
	case rehoming.DeletionTimestamp.IsZero() && (owner == nil || owner.UID == uid):
		return Owner{Rehoming: rehoming}
	case mode == configv1alpha1.Observe || mode == configv1alpha1.Disabled:
		return Owner{Restraint: mode}
	}
	return Owner{}
}

// ClusterOwner returns the reference of a Rehoming to a Cluster of its name, or nil.
func ClusterOwner(rehoming *v1alpha1.Rehoming) *metav1.OwnerReference {
	i := slices.IndexFunc(rehoming.OwnerReferences, func(o metav1.OwnerReference) bool { return o.Kind == "Cluster" && o.Name == rehoming.Name })
	if i < 0 {
		return nil
	}
	return &rehoming.OwnerReferences[i]
}

// Consents reports whether the owner consents.
func (o Owner) Consents(to v1alpha1.Consent) bool {
	return o.Rehoming != nil && slices.Contains(o.Rehoming.Spec.Consents, to)
}

// Options are the owner's and the site's decisions about a rewrite.
func (o Owner) Options(config *configv1alpha1.Configuration) rewrite.Options {
	return rewrite.Options{
		IdentityLabels:    config.IdentityLabels,
		ScopeUnscoped:     o.Consents(v1alpha1.ConsentScopeUnscoped),
		RestoreThirdParty: o.Consents(v1alpha1.ConsentRestoreThirdParty),
	}
}

// Mode returns the mode of the Cluster. The nearest wins: its Rehoming, the annotation of its Namespace, the configuration. The
// Cluster's own annotations do not count, because they arrive with snapshots. It is an error where the annotation is invalid.
func (o Owner) Mode(namespace *metav1.PartialObjectMetadata, configured configv1alpha1.Mode) (configv1alpha1.Mode, error) {
	text, ok := namespace.Annotations[v1alpha1.AnnotationMode]
	switch {
	case o.Restraint != "":
		return o.Restraint, nil
	case o.Rehoming != nil && o.Rehoming.Spec.Mode != "":
		return configv1alpha1.Mode(o.Rehoming.Spec.Mode), nil
	case !ok:
		return configured, nil
	}
	mode, err := configv1alpha1.ParseMode(text)
	if err != nil {
		return configured, fmt.Errorf(textInvalidMode, v1alpha1.AnnotationMode, namespace.Name, err) //nolint:staticcheck // the message of a condition
	}
	return mode, nil
}

// Backups returns the Backups that the rules of the Cluster come from, or the cluster that the owner named instead.
func (o Owner) Backups(cluster *kubeblocks.Cluster, restores []kubeblocks.Restore) ([]types.NamespacedName, *rewrite.Identity, error) {
	if o.Rehoming == nil || o.Rehoming.Spec.Source == nil {
		backups, err := kubeblocks.BackupsOf(cluster, restores)
		return backups, nil, err
	}
	source := o.Rehoming.Spec.Source
	if source.Backup != nil {
		return []types.NamespacedName{{Namespace: cmp.Or(source.Backup.Namespace, cluster.Namespace), Name: source.Backup.Name}}, nil, nil
	}
	return nil, &rewrite.Identity{Namespace: cmp.Or(source.Namespace, cluster.Namespace), Name: source.Name}, nil
}
