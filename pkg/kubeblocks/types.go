package kubeblocks

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Cluster is a view of KubeBlocks' Cluster, in all versions.
//
// +kubebuilder:object:root=true
type Cluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ClusterSpec   `json:"spec,omitempty"`
	Status ClusterStatus `json:"status,omitempty"`
}

// ClusterStatus holds the phase and the conditions of a Cluster.
type ClusterStatus struct {
	Phase      string             `json:"phase,omitempty"`
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// ClusterSpec holds the scheduling policies of a Cluster and the names of its parts.
type ClusterSpec struct {
	SchedulingPolicy *SchedulingPolicy `json:"schedulingPolicy,omitempty"`
	ComponentSpecs   []ComponentSpec   `json:"componentSpecs,omitempty"`
	// Shardings is where apps.kubeblocks.io/v1 keeps shardings.
	Shardings []Sharding `json:"shardings,omitempty"`
	// ShardingSpecs is where apps.kubeblocks.io/v1alpha1 keeps shardings.
	ShardingSpecs []Sharding `json:"shardingSpecs,omitempty"`
	// Restore replaces an annotation from KubeBlocks 1.2 on.
	Restore *ClusterRestore `json:"restore,omitempty"`
}

// ClusterRestore holds the source of a restored Cluster.
type ClusterRestore struct {
	Source RestoreSource `json:"source,omitempty"`
}

// RestoreSource names the object that holds the data, such as a Backup.
type RestoreSource struct {
	APIGroup  string `json:"apiGroup,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

// ComponentSpec is one component of a Cluster, or the template of a sharding's shards.
type ComponentSpec struct {
	Name             string             `json:"name,omitempty"`
	Labels           map[string]string  `json:"labels,omitempty"`
	Replicas         int32              `json:"replicas,omitempty"`
	SchedulingPolicy *SchedulingPolicy  `json:"schedulingPolicy,omitempty"`
	Instances        []InstanceTemplate `json:"instances,omitempty"`
	// FlatInstanceOrdinal says that the names of Pods do not show their instance template. It came with KubeBlocks 1.1.
	FlatInstanceOrdinal bool `json:"flatInstanceOrdinal,omitempty"`
}

// InstanceTemplate is a named group of a component's instances with its own settings.
type InstanceTemplate struct {
	Name             string            `json:"name,omitempty"`
	Labels           map[string]string `json:"labels,omitempty"`
	Replicas         *int32            `json:"replicas,omitempty"`
	SchedulingPolicy *SchedulingPolicy `json:"schedulingPolicy,omitempty"`
}

// Sharding is a group of like components.
type Sharding struct {
	Name     string        `json:"name,omitempty"`
	Template ComponentSpec `json:"template,omitempty"`
	// ShardTemplates came with KubeBlocks 1.1.
	ShardTemplates []ComponentSpec `json:"shardTemplates,omitempty"`
}

// SchedulingPolicy is the part of a scheduling policy that can name a cluster or a location.
type SchedulingPolicy struct {
	NodeName                  string                            `json:"nodeName,omitempty"`
	NodeSelector              map[string]string                 `json:"nodeSelector,omitempty"`
	Affinity                  *corev1.Affinity                  `json:"affinity,omitempty"`
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`
	Tolerations               []corev1.Toleration               `json:"tolerations,omitempty"`
}

// ClusterList is a list of Clusters.
//
// +kubebuilder:object:root=true
type ClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Cluster `json:"items"`
}

// Component is a view of KubeBlocks' Component, in all versions.
//
// +kubebuilder:object:root=true
type Component struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec has the scheduling fields of a componentSpec.
	Spec ComponentSpec `json:"spec,omitempty"`
}

// ComponentList is a list of Components.
//
// +kubebuilder:object:root=true
type ComponentList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Component `json:"items"`
}

// Restore is a view of KubeBlocks' Restore.
//
// +kubebuilder:object:root=true
type Restore struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   RestoreSpec   `json:"spec,omitempty"`
	Status RestoreStatus `json:"status,omitempty"`
}

// RestoreSpec names the Backup, and holds the scheduling of the Pods that prepare the volumes.
type RestoreSpec struct {
	Backup BackupRef `json:"backup,omitempty"`
	// PrepareDataConfig is nil for a Restore of stage postReady, whose Pods run beside a running database.
	PrepareDataConfig *PrepareDataConfig `json:"prepareDataConfig,omitempty"`
}

// BackupRef names a Backup.
type BackupRef struct {
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

// PrepareDataConfig holds the scheduling of the restore Pods.
type PrepareDataConfig struct {
	// SchedulingSpec is immutable, but it can be removed and added.
	SchedulingSpec *SchedulingPolicy                 `json:"schedulingSpec,omitempty"`
	DataSourceRef  *corev1.TypedLocalObjectReference `json:"dataSourceRef,omitempty"`
	// VolumeClaimRestorePolicy is the order of the Jobs of the Restore.
	VolumeClaimRestorePolicy VolumeRestorePolicy `json:"volumeClaimRestorePolicy,omitempty"`
}

// VolumeRestorePolicy is the order in which the volumes of a component are restored.
type VolumeRestorePolicy string

// RestoreSerial restores one volume after another. A Job is created when the one before it has ended.
const RestoreSerial VolumeRestorePolicy = "Serial"

// RestorePhase is the phase of a Restore. It is empty at first.
type RestorePhase string

// The phases of a Restore.
const (
	RestoreRunning   RestorePhase = "Running"
	RestoreCompleted RestorePhase = "Completed"
	RestoreFailed    RestorePhase = "Failed"
)

// RestoreStatus is the progress of a Restore.
type RestoreStatus struct {
	Phase      RestorePhase       `json:"phase,omitempty"`
	Actions    RestoreActions     `json:"actions,omitempty"`
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// RestoreActions lists the Jobs of a Restore by stage.
type RestoreActions struct {
	PrepareData []RestoreAction `json:"prepareData,omitempty"`
}

// RestoreActionStatus is the progress of one Job of a Restore.
type RestoreActionStatus string

// The final states of an action.
const (
	RestoreActionCompleted RestoreActionStatus = "Completed"
	RestoreActionFailed    RestoreActionStatus = "Failed"
)

// RestoreAction is one Job of a Restore.
type RestoreAction struct {
	// ObjectKey names the Job, as "Job/name".
	ObjectKey string              `json:"objectKey,omitempty"`
	Status    RestoreActionStatus `json:"status,omitempty"`
}

// RestoreList is a list of Restores.
//
// +kubebuilder:object:root=true
type RestoreList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Restore `json:"items"`
}

// Backup is a view of KubeBlocks' Backup. Rehome reads its labels and annotations only.
//
// +kubebuilder:object:root=true
type Backup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
}

// BackupList is a list of Backups.
//
// +kubebuilder:object:root=true
type BackupList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Backup `json:"items"`
}

// InstanceSet is a view of KubeBlocks' InstanceSet: the workload of one component.
//
// +kubebuilder:object:root=true
type InstanceSet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec InstanceSetSpec `json:"spec,omitempty"`
}

// InstanceSetSpec holds the template of a component's Pods, and how they are created and replaced.
type InstanceSetSpec struct {
	Replicas *int32 `json:"replicas,omitempty"`
	// PodManagementPolicy is OrderedReady if a Pod is created only when the one before it is ready.
	PodManagementPolicy appsv1.PodManagementPolicyType `json:"podManagementPolicy,omitempty"`
	// UpdateStrategy came with KubeBlocks 1.0.
	UpdateStrategy *InstanceUpdateStrategy `json:"instanceUpdateStrategy,omitempty"`
	Template       InstanceSetTemplate     `json:"template,omitempty"`
	Instances      []InstanceTemplate      `json:"instances,omitempty"`
}

// InstanceUpdateStrategy is OnDelete if KubeBlocks does not replace outdated Pods.
type InstanceUpdateStrategy struct {
	Type appsv1.StatefulSetUpdateStrategyType `json:"type,omitempty"`
}

// InstanceSetTemplate is the template of a component's Pods. Its spec has the fields of a scheduling policy.
type InstanceSetTemplate struct {
	Spec SchedulingPolicy `json:"spec,omitempty"`
}

// InstanceSetList is a list of InstanceSets.
//
// +kubebuilder:object:root=true
type InstanceSetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []InstanceSet `json:"items"`
}
