package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Rehoming is the story of one restored Cluster: where it comes from, which rules it inherited, what became of them, and
// what its Restores wait for. Rehome creates one for each restored Cluster, under the Cluster's name; it goes with the
// Cluster. Its spec is for people to edit.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rh,categories=kubeblocks
// +kubebuilder:printcolumn:name="Source",type=string,JSONPath=`.status.source.name`,description="The cluster that the rules come from."
// +kubebuilder:printcolumn:name="Backup",type=string,JSONPath=`.status.backups[0].name`,description="The Backup that the Cluster is restored from."
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Edits",type=integer,JSONPath=`.status.counts.edits`,description="Places where a rule named the source."
// +kubebuilder:printcolumn:name="Unblocked",type=integer,JSONPath=`.status.counts.unblocked`,description="Restores that Rehome unblocked."
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Rehoming struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +optional
	Spec RehomingSpec `json:"spec,omitempty"`
	// +optional
	Status RehomingStatus `json:"status,omitempty"`
}

// RehomingSpec is what the owner of a Cluster decides. An empty spec is the operator's configuration.
type RehomingSpec struct {
	// Mode of this Cluster. An annotation of the Cluster goes before it; without either, the Namespace's annotation and
	// then the operator's configuration say.
	// +kubebuilder:validation:Enum=Enforce;Observe;Off
	// +optional
	Mode string `json:"mode,omitempty"`
	// Source is the cluster whose rules this one carries, where nothing records it: for a Cluster that was created from a copy
	// of another's manifest. The source of a restored Cluster is known from its Backups, and this is used in their place.
	// +optional
	Source *SourceReference `json:"source,omitempty"`
	// ScopeUnscoped is the consent to add the Cluster's name to inherited rules that name no cluster and so take the Pods of
	// others, too.
	// +optional
	ScopeUnscoped bool `json:"scopeUnscoped,omitempty"`
	// RestoreThirdParty is the consent to put back what KubeBlocks' own rewrite took from inherited rules that name other
	// clusters.
	// +optional
	RestoreThirdParty bool `json:"restoreThirdParty,omitempty"`
	// AllowRollingUpdate is the consent to rewrite rules of a database that runs: KubeBlocks restarts its Pods one by one.
	// +optional
	AllowRollingUpdate bool `json:"allowRollingUpdate,omitempty"`
	// RestorePods says which rules the Pods that restore data follow; empty for what the operator's configuration says.
	// +kubebuilder:validation:Enum=Inherit;Auto;Relaxed
	// +optional
	RestorePods string `json:"restorePods,omitempty"`
}

// SourceReference names a cluster by itself or by a Backup of it.
//
// +kubebuilder:validation:XValidation:rule="has(self.name) != has(self.backup)",message="give either name or backup: a Backup tells the name of its cluster"
// +kubebuilder:validation:XValidation:rule="!has(self.backup) || !has(self.namespace)",message="namespace goes with name: a Backup tells the namespace of its cluster"
type SourceReference struct {
	// Namespace of the cluster; empty for that of the Rehoming.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// Name of the cluster. Every rule that names it is taken for inherited.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Name string `json:"name,omitempty"`
	// Backup of the cluster. A rule is taken for inherited when it stands in the Backup's snapshot.
	// +optional
	Backup *BackupReference `json:"backup,omitempty"`
}

// BackupReference names a Backup.
type BackupReference struct {
	// Namespace of the Backup; empty for that of the Rehoming.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// RehomingStatus is what Rehome saw and did. Long lists are cut, and Counts tell how long they were.
type RehomingStatus struct {
	// ObservedGeneration is the generation of the spec that the status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Mode that the Cluster has.
	// +optional
	Mode string `json:"mode,omitempty"`
	// Source is the cluster that the rules come from, the first where there are several.
	// +optional
	Source *ClusterIdentity `json:"source,omitempty"`
	// Backups that were read.
	// +optional
	Backups []BackupReference `json:"backups,omitempty"`
	// Counts are the lengths of what is listed here, before anything was cut.
	// +optional
	Counts *Counts `json:"counts,omitempty"`
	// Edits are the places of the Cluster where an inherited rule named the source.
	// +optional
	Edits []EditStatus `json:"edits,omitempty"`
	// Findings are the rules that there is something to say of.
	// +optional
	Findings []FindingStatus `json:"findings,omitempty"`
	// Actions that were taken to unblock the Cluster, in order of time. The rewrite of its rules is among Edits.
	// +optional
	Actions []ActionStatus `json:"actions,omitempty"`
	// Restores of the Cluster that prepare volumes.
	// +optional
	Restores []RestoreStatus `json:"restores,omitempty"`
	// Conditions of the Cluster as a whole: Ready, PolicyRehomed, PodsScheduled.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Counts are lengths of lists.
type Counts struct {
	Edits    int32 `json:"edits"`
	Findings int32 `json:"findings"`
	Restores int32 `json:"restores"`
	// +optional
	Actions int32 `json:"actions,omitempty"`
	// Unblocked counts the Restores that were remediated and whose Pods have found nodes.
	Unblocked int32 `json:"unblocked"`
}

// ClusterIdentity is what tells one cluster from another.
type ClusterIdentity struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// +optional
	UID string `json:"uid,omitempty"`
}

// EditStatus is one place of the Cluster.
type EditStatus struct {
	// Path is a JSON Pointer into the Cluster.
	Path string `json:"path"`
	// From and To are the old and the new value, as JSON where they are no strings.
	// +optional
	From string `json:"from,omitempty"`
	// +optional
	To string `json:"to,omitempty"`
	// At is when the edit was made; empty while it is not.
	// +optional
	At *metav1.Time `json:"at,omitempty"`
}

// FindingStatus is a rule that there is something to say of.
type FindingStatus struct {
	// Path is a JSON Pointer into the Cluster.
	Path string `json:"path"`
	// Class of the finding, such as SourceIdentity or ThirdParty.
	Class   string `json:"class"`
	Message string `json:"message"`
}

// ActionStatus is one attempt to have something made anew.
type ActionStatus struct {
	// Action that was taken: RecreateRestore, ExchangeRules (of a Restore of which a part had started), RecreateJobs, RecreatePod.
	Action string `json:"action"`
	// Of is the kind and the name of what the action is about.
	Of string `json:"of"`
	// At is when the action was taken.
	At metav1.Time `json:"at"`
}

// RestoreStatus is one Restore.
type RestoreStatus struct {
	Name string `json:"name"`
	// Phase is KubeBlocks' own.
	// +optional
	Phase string `json:"phase,omitempty"`
	// Reason is that of the Restore's condition PolicyRehomed.
	// +optional
	Reason string `json:"reason,omitempty"`
	// Pods is the reason of the Restore's condition PodsScheduled.
	// +optional
	Pods string `json:"pods,omitempty"`
	// AttemptsLeft is how many more there can be.
	AttemptsLeft int32 `json:"attemptsLeft"`
	// Waiting are the Pods that have no node.
	// +optional
	Waiting []WaitingPod `json:"waiting,omitempty"`
}

// WaitingPod is a Pod that has no node.
type WaitingPod struct {
	Name string `json:"name"`
	// Reason in the scheduler's words; empty until it has looked at the Pod.
	// +optional
	Reason string `json:"reason,omitempty"`
}

// RehomingList is a list of Rehomings.
//
// +kubebuilder:object:root=true
type RehomingList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Rehoming `json:"items"`
}
