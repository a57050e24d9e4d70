package kubeblocks

import (
	"encoding/json"

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

// Spec returns the value of spec.restore.
func (r RestoreReference) Spec() ClusterRestore {
	return ClusterRestore{Source: RestoreSource{
		APIGroup: DataProtectionV1alpha1.Group, Kind: "Backup", Name: r.Backup.Name, Namespace: r.Backup.Namespace,
	}}
}
