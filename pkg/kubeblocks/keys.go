package kubeblocks

import (
	"strings"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Annotations that KubeBlocks writes or reads.
const (
	// AnnotationClusterSnapshot, on a Backup, holds the source Cluster as JSON.
	AnnotationClusterSnapshot = "kubeblocks.io/cluster-snapshot"
	// AnnotationRestoreFromBackup, on a Cluster, names the Backup of each component. It can hold passwords: never log it.
	// KubeBlocks removes its keys one by one as components finish.
	AnnotationRestoreFromBackup = "kubeblocks.io/restore-from-backup"
	// AnnotationCRDAPIVersion names the generation of KubeBlocks that owns an object. Other generations ignore it.
	AnnotationCRDAPIVersion = "kubeblocks.io/crd-api-version"
	// AnnotationMultiClusterPlacement marks a Cluster whose Pods run in other Kubernetes clusters.
	AnnotationMultiClusterPlacement = "apps.kubeblocks.io/multi-cluster-placement"
	// AnnotationConnectionPassword, on a Backup, holds an encrypted password: never log it.
	AnnotationConnectionPassword = "dataprotection.kubeblocks.io/connection-password"
)

// Labels that KubeBlocks writes.
const (
	// LabelInstance holds the name of the Cluster that an object belongs to.
	LabelInstance = rewrite.LabelInstance
	// LabelWorkload holds the name of the InstanceSet that a database Pod belongs to.
	LabelWorkload = rewrite.LabelWorkload
	// LabelManagedBy distinguishes database Pods from the Pods of backups and restores.
	LabelManagedBy = rewrite.LabelManagedBy
	// LabelComponentName holds the short name of the component; for a shard it is a generated name.
	LabelComponentName = rewrite.LabelComponentName
	// LabelShardingName holds the name of the sharding that a shard belongs to.
	LabelShardingName = rewrite.LabelShardingName
	// LabelInstanceTemplate, on database Pods, holds the instance template; empty for Pods without one. It came with KubeBlocks 1.1.
	LabelInstanceTemplate = "apps.kubeblocks.io/instance-template"
	// labelRole holds the role of a running database Pod, such as leader.
	labelRole = "kubeblocks.io/role"
	// LabelRestore, on Jobs and Pods, holds the name of their Restore.
	LabelRestore = "dataprotection.kubeblocks.io/restore"
	// LabelBackupClusterUID, on a Backup, holds the UID of its source Cluster. The snapshot does not hold it.
	LabelBackupClusterUID = "dataprotection.kubeblocks.io/cluster-uid"
	// LabelBackupType, on a Backup, is BackupContinuous for one that goes on, and so is never Completed.
	LabelBackupType = "dataprotection.kubeblocks.io/backup-type"
	// LabelOpsRequestName marks the Restores of operations such as rebuild-instance, which restore into a running cluster.
	LabelOpsRequestName = "operations.kubeblocks.io/ops-name"
	// LabelOpsRequestNameV09 is LabelOpsRequestName as KubeBlocks 0.9 writes it.
	LabelOpsRequestNameV09 = "ops.kubeblocks.io/ops-name"
)

// BackupContinuous is LabelBackupType's value on a Backup that is never Completed.
const BackupContinuous = "Continuous"

// IsOperationKey reports whether an annotation or label of a Cluster is about an operation on it, or KubeBlocks' record of one.
func IsOperationKey(key string) bool {
	switch key {
	case "kubeblocks.io/ops-request", "kubeblocks.io/reconcile", "kubeblocks.io/generation":
		return true
	}
	return strings.HasPrefix(key, "operations.kubeblocks.io/") || strings.HasPrefix(key, "ops.kubeblocks.io/")
}

// BackupPolicyOf returns the name that KubeBlocks gives the BackupPolicy of a component.
func BackupPolicyOf(cluster, component string) string {
	return cluster + "-" + component + "-backup-policy"
}

// ManagedByDataProtection is LabelManagedBy's value on the Jobs and Pods of backups and restores.
const ManagedByDataProtection = "kubeblocks-dataprotection"
