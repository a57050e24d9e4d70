package kubeblocks

import "github.com/rehome-operator/rehome/pkg/rewrite"

// Annotations that KubeBlocks writes or reads.
const (
	// AnnotationClusterSnapshot, on a Backup, holds the source Cluster as JSON.
	AnnotationClusterSnapshot = "kubeblocks.io/cluster-snapshot"
	// AnnotationRestoreFromBackup, on a Cluster, says which Backup each component is restored from. It can hold passwords:
	// never log it. KubeBlocks removes its keys one by one as components finish.
	AnnotationRestoreFromBackup = "kubeblocks.io/restore-from-backup"
	// AnnotationCRDAPIVersion says which generation of KubeBlocks owns an object: one of another generation leaves it alone.
	AnnotationCRDAPIVersion = "kubeblocks.io/crd-api-version"
	// AnnotationMultiClusterPlacement, on a Cluster, says that its Pods live behind other API servers.
	AnnotationMultiClusterPlacement = "apps.kubeblocks.io/multi-cluster-placement"
)

// Labels that KubeBlocks writes.
const (
	// LabelInstance holds the name of the Cluster that an object belongs to.
	LabelInstance = rewrite.LabelInstance
	// LabelWorkload holds the name of the InstanceSet that a database Pod belongs to.
	LabelWorkload = rewrite.LabelWorkload
	// LabelManagedBy tells database Pods from the Pods of backups and restores.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// LabelComponentName holds the short name of the component; for a shard it is a generated name.
	LabelComponentName = "apps.kubeblocks.io/component-name"
	// LabelShardingName holds the name of the sharding that a shard belongs to.
	LabelShardingName = "apps.kubeblocks.io/sharding-name"
	// LabelRestore, on Jobs and Pods, holds the name of the Restore they work for.
	LabelRestore = "dataprotection.kubeblocks.io/restore"
	// LabelBackupClusterUID, on a Backup, holds the UID of the Cluster it was taken of: the snapshot does not hold it.
	LabelBackupClusterUID = "dataprotection.kubeblocks.io/cluster-uid"
	// LabelOpsRequestName marks the Restores of operations such as rebuild-instance, which restore into a cluster that runs.
	LabelOpsRequestName = "operations.kubeblocks.io/ops-name"
	// LabelOpsRequestNameV09 is LabelOpsRequestName as KubeBlocks 0.9 writes it.
	LabelOpsRequestNameV09 = "ops.kubeblocks.io/ops-name"
)

// ManagedByDataProtection is LabelManagedBy's value on the Jobs and Pods of backups and restores.
const ManagedByDataProtection = "kubeblocks-dataprotection"
