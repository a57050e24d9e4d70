package kubeblocks

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/json"
)

// ErrBadRestoreAnnotation is the error of a Cluster whose annotation names its Backups in an unknown form.
var ErrBadRestoreAnnotation = errors.New(textBadAnnotation)

// BackupsOf returns the Backups that the spec of a Cluster, its Restores and its annotation name, in this order and each once.
// The Restores are needed because KubeBlocks removes the annotation as components finish. Of the annotation, only the components
// and shardings of the Cluster count. BackupsOf returns none for a Cluster that was not restored, and ErrBadRestoreAnnotation,
// wrapped, for an annotation of another form. The error quotes nothing of the annotation, which can hold passwords.
func BackupsOf(c *Cluster, restores []Restore) ([]types.NamespacedName, error) {
	var backups []types.NamespacedName
	seen := map[types.NamespacedName]bool{}
	add := func(backup types.NamespacedName) {
		if !seen[backup] {
			seen[backup] = true
			backups = append(backups, backup)
		}
	}
	if restore := c.Spec.Restore; restore != nil && restore.Source.Kind == "Backup" {
		add(BackupRef{Name: restore.Source.Name, Namespace: restore.Source.Namespace}.in(c.Namespace))
	}
	for _, restore := range restores {
		add(restore.Spec.Backup.in(restore.Namespace))
	}
	annotation, ok := c.Annotations[AnnotationRestoreFromBackup]
	if !ok {
		return backups, nil
	}
	var byComponent map[string]BackupRef
	if err := json.UnmarshalCaseSensitivePreserveInts([]byte(annotation), &byComponent); err != nil {
		return nil, fmt.Errorf("the Cluster's %w: %s", ErrBadRestoreAnnotation, describeJSONError(err))
	}
	for _, name := range componentNames(c) {
		if ref, ok := byComponent[name]; ok {
			add(ref.in(c.Namespace))
		}
	}
	return backups, nil
}

// IsSerial reports whether the volumes of a Restore are restored one after another.
func (r *Restore) IsSerial() bool {
	return r.Spec.PrepareDataConfig.VolumeClaimRestorePolicy == RestoreSerial
}

// RestoresSerially reports whether the annotation of a Cluster wants the volumes of a component restored one after another.
func RestoresSerially(c *Cluster) bool {
	var byComponent map[string]struct {
		VolumeRestorePolicy VolumeRestorePolicy `json:"volumeRestorePolicy"`
	}
	if err := json.UnmarshalCaseSensitivePreserveInts([]byte(c.Annotations[AnnotationRestoreFromBackup]), &byComponent); err != nil {
		return false // KubeBlocks does not restore from it
	}
	for _, ref := range byComponent {
		if ref.VolumeRestorePolicy == RestoreSerial {
			return true
		}
	}
	return false
}

// componentNames lists the names of the components and shardings of a Cluster.
func componentNames(c *Cluster) []string {
	var names []string
	for i := range c.Spec.ComponentSpecs {
		names = append(names, c.Spec.ComponentSpecs[i].Name)
	}
	for _, shardings := range [][]Sharding{c.Spec.Shardings, c.Spec.ShardingSpecs} {
		for i := range shardings {
			names = append(names, shardings[i].Name)
		}
	}
	return names
}

// in resolves a reference in an object of the given namespace, which is the default.
func (r BackupRef) in(namespace string) types.NamespacedName {
	if r.Namespace != "" {
		namespace = r.Namespace
	}
	return types.NamespacedName{Namespace: namespace, Name: r.Name}
}

// OwnerComponent returns the Component whose volumes a Restore prepares. It returns nil for a Restore that Rehome ignores: one
// without such an owner, of an operation on a running cluster, of a single volume, or of stage postReady.
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

// GenerationOf returns the apiVersion of the generation of KubeBlocks that owns an object with these annotations. KubeBlocks
// 1.0 and 1.1 ignore objects without their mark, so those belong to v1alpha1. See Served.Owns for 1.2.
func GenerationOf(annotations map[string]string) string {
	return cmp.Or(annotations[AnnotationCRDAPIVersion], AppsV1alpha1.String())
}
