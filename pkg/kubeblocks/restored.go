package kubeblocks

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What KubeBlocks 1.2 shows of a restore. It has no Restore of its own on a Component: each volume claim is filled by one.

// conditionRestore is the type of the condition of a Cluster that says how far its restore is.
const conditionRestore = "Restore"

// annotationRestoreSource, on a claim, says that it is filled from a Backup.
const annotationRestoreSource = "apps.kubeblocks.io/restore-source-kind"

// RestoreProgress returns the Cluster's condition Restore, or nil.
func RestoreProgress(c *Cluster) *metav1.Condition {
	return meta.FindStatusCondition(c.Status.Conditions, conditionRestore)
}

// StartsEmpty reports whether the installed KubeBlocks does not read the annotation in which a Cluster names Backups.
func (s Served) StartsEmpty(c *Cluster) bool {
	if !s.OnlyV1 || c.Spec.Restore != nil {
		return false
	}
	backups, err := BackupsOf(c, nil)
	return err != nil || len(backups) > 0
}

// RestoresVolumes reports whether KubeBlocks restores the Cluster claim by claim. Then no rule is on its Restores, and none of them must
// be changed.
func (s Served) RestoresVolumes(c *Cluster) bool { return s.OnlyV1 || c.Spec.Restore != nil }

// RestoredElsewhere reports whether the Cluster's spec names a Backup in another Namespace.
func RestoredElsewhere(c *Cluster) bool {
	return c.Spec.Restore != nil && c.Spec.Restore.Source.Namespace != "" && c.Spec.Restore.Source.Namespace != c.Namespace
}

// NamesSource reports whether a claim is to be filled from a Backup.
func NamesSource(c *corev1.PersistentVolumeClaim) bool {
	return c.Annotations[annotationRestoreSource] != ""
}

// LostSource reports whether a claim is to be filled from a Backup, and the API server has dropped the reference to it. By default it
// drops references to other Namespaces.
func LostSource(c *corev1.PersistentVolumeClaim) bool {
	return NamesSource(c) && c.Spec.DataSourceRef == nil
}
