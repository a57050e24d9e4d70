package kubeblocks

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/json"
)

// ErrBadRestoreAnnotation says that the annotation which names a Cluster's Backups cannot be read.
var ErrBadRestoreAnnotation = errors.New("annotation " + AnnotationRestoreFromBackup + " cannot be read")

// BackupsOf returns the Backups that a Cluster is restored from, in a stable order: the one its spec names, those its
// annotation names, and those its Restores name, since KubeBlocks removes the annotation as components finish. It returns none for a Cluster that
// was not restored, and ErrBadRestoreAnnotation, wrapped, for an annotation of another form. The error quotes nothing of
// the annotation, which can hold passwords.
func BackupsOf(c *Cluster, restores []Restore) ([]types.NamespacedName, error) {
	var backups []types.NamespacedName
	if restore := c.Spec.Restore; restore != nil && restore.Source.Kind == "Backup" {
		backups = append(backups, BackupRef{Name: restore.Source.Name, Namespace: restore.Source.Namespace}.in(c.Namespace))
	}
	if annotation, ok := c.Annotations[AnnotationRestoreFromBackup]; ok {
		var byComponent map[string]BackupRef
		if err := json.UnmarshalCaseSensitivePreserveInts([]byte(annotation), &byComponent); err != nil {
			return nil, fmt.Errorf("the Cluster's %w: %s", ErrBadRestoreAnnotation, describeJSONError(err))
		}
		for _, ref := range byComponent {
			backups = append(backups, ref.in(c.Namespace))
		}
	}
	for _, restore := range restores {
		backups = append(backups, restore.Spec.Backup.in(restore.Namespace))
	}
	slices.SortFunc(backups, func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(backups), nil
}

// in resolves a reference that stands in a namespace: one without a namespace means its own.
func (r BackupRef) in(namespace string) types.NamespacedName {
	if r.Namespace != "" {
		namespace = r.Namespace
	}
	return types.NamespacedName{Namespace: namespace, Name: r.Name}
}

// OwnerComponent returns which of the Components a Restore prepares volumes for, or nil where the Restore is none of
// Rehome's: one without such an owner, one of an operation on a cluster that runs, one that fills a single volume on
// request, or one of stage postReady.
func OwnerComponent(r *Restore, components []Component) *Component {
	if r.Spec.PrepareDataConfig == nil || r.Spec.PrepareDataConfig.DataSourceRef != nil {
		return nil
	}
	if r.Labels[LabelOpsRequestName] != "" || r.Labels[LabelOpsRequestNameV09] != "" {
		return nil
	}
	owner := metav1.GetControllerOf(r)
	if owner == nil {
		return nil
	}
	i := slices.IndexFunc(components, func(c Component) bool { return c.UID == owner.UID })
	if i < 0 {
		return nil
	}
	return &components[i]
}

// OwnedBy reports whether a Component belongs to a Cluster.
func OwnedBy(component *Component, cluster *Cluster) bool {
	return slices.ContainsFunc(component.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID == cluster.UID })
}

// OwnedByGeneration reports whether a Cluster belongs to the generation of KubeBlocks that works with the given apiVersion.
// KubeBlocks 1.x leaves alone what is not marked as its own, so an unmarked Cluster belongs to v1alpha1.
func OwnedByGeneration(c *Cluster, apiVersion string) bool {
	generation := c.Annotations[AnnotationCRDAPIVersion]
	if generation == "" {
		generation = AppsV1alpha1.String()
	}
	return generation == apiVersion
}
