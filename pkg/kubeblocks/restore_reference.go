package kubeblocks

import (
	"encoding/json"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// RestoreReference is what makes KubeBlocks restore a new Cluster.
//
// +kubebuilder:object:generate=false
type RestoreReference struct {
	Backup types.NamespacedName
	// Components are the components and shardings that the Backup holds. KubeBlocks 1.2 does not need them.
	Components []string
	// VolumeRestorePolicy is Parallel or Serial.
	VolumeRestorePolicy VolumeRestorePolicy
	// RestoreTime is the point in time to restore, in RFC 3339; empty for that of the Backup.
	RestoreTime string
}

// RestoreParallel restores all volumes of a component at once.
const RestoreParallel VolumeRestorePolicy = "Parallel"

// Annotation returns the value of AnnotationRestoreFromBackup.
func (r RestoreReference) Annotation() (string, error) {
	type reference struct {
		Name                string              `json:"name"`
		Namespace           string              `json:"namespace"`
		VolumeRestorePolicy VolumeRestorePolicy `json:"volumeRestorePolicy"`
		RestoreTime         string              `json:"restoreTime,omitempty"`
	}
	byComponent := map[string]reference{}
	for _, name := range r.Components {
		byComponent[name] = reference{r.Backup.Name, r.Backup.Namespace, r.VolumeRestorePolicy, r.RestoreTime}
	}
	data, err := json.Marshal(byComponent)
	return string(data), err
}

// Honours returns the Backups from which a version of KubeBlocks restores a new Cluster: it reads one way of naming them only. Of the
// annotation, the components of the Cluster count, or all where a topology creates them.
func (v Version) Honours(c *Cluster) ([]types.NamespacedName, error) {
	read := &Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace}, Spec: c.Spec}
	if v.RestoresBySpec() {
		return BackupsOf(read, nil)
	}
	read.Spec.Restore = nil
	annotation, ok := c.Annotations[AnnotationRestoreFromBackup]
	if !ok {
		return nil, nil
	}
	read.Annotations = map[string]string{AnnotationRestoreFromBackup: annotation}
	var byComponent map[string]json.RawMessage
	if json.Unmarshal([]byte(annotation), &byComponent) == nil && len(componentNames(read)) == 0 {
		for _, name := range slices.Sorted(maps.Keys(byComponent)) {
			read.Spec.ComponentSpecs = append(read.Spec.ComponentSpecs, ComponentSpec{Name: name})
		}
	}
	return BackupsOf(read, nil)
}

// Spec returns the value of spec.restore.
func (r RestoreReference) Spec() ClusterRestore {
	return ClusterRestore{Source: RestoreSource{
		APIGroup: DataProtectionV1alpha1.Group, Kind: "Backup", Name: r.Backup.Name, Namespace: r.Backup.Namespace,
	}}
}
