package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Rehoming reports on one restored Cluster: its source, the rules it inherited, what was done about them, and what its Restores
// wait for. Rehome creates one for each restored Cluster, under the Cluster's name and owned by it. People may edit its spec.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rh,categories=kubeblocks
// +kubebuilder:printcolumn:name="Source",type=string,JSONPath=`.status.source.name`,description="The cluster that the rules come from."
// +kubebuilder:printcolumn:name="Backup",type=string,JSONPath=`.status.backups[0].name`,description="The Backup that the Cluster is restored from."
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.status.mode`,description="The mode that is in effect."
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Edits",type=integer,JSONPath=`.status.counts.edits`,description="Places where a rule named the source."
// +kubebuilder:printcolumn:name="Unblocked",type=integer,JSONPath=`.status.counts.unblocked`,description="Restores that Rehome unblocked."
// +kubebuilder:printcolumn:name="Source Namespace",type=string,priority=1,JSONPath=`.status.source.namespace`,description="The Namespace of the source."
// +kubebuilder:printcolumn:name="Last Action",type=string,priority=1,JSONPath=`.status.lastAction`,description="The newest action."
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Rehoming struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +optional
	Spec RehomingSpec `json:"spec,omitempty"`
	// +optional
	Status RehomingStatus `json:"status,omitempty"`
}

// RehomingSpec holds the decisions of the Cluster's owner. Fields that are not set take the operator's configuration.
type RehomingSpec struct {
	// Mode of this Cluster. Without it, the Namespace's annotation decides, then the operator's configuration.
	// +kubebuilder:validation:XValidation:rule="self in ['Enforce', 'Observe', 'Disabled']",messageExpression="'mode must be Enforce, Observe or Disabled' + (self.lowerAscii() == 'off' ? ': write Disabled instead of ' + self : '')"
	// +kubebuilder:validation:MaxLength=16
	// +optional
	Mode string `json:"mode,omitempty"`
	// Source is the cluster whose rules this one inherited, where nothing records it: for a Cluster that was created from a copy
	// of another's manifest. It replaces the source that the Backups of a restored Cluster name.
	// +optional
	Source *SourceReference `json:"source,omitempty"`
	// Consents allow changes that Rehome does not make on its own.
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	// +optional
	Consents []Consent `json:"consents,omitempty"`
	// RestorePods says which rules the Pods that restore data get. Without it, the operator's configuration decides.
	// +kubebuilder:validation:Enum=Inherit;Auto;Relaxed
	// +optional
	RestorePods string `json:"restorePods,omitempty"`
}

// Consent is a change that the owner of a Cluster allows.
//
// +kubebuilder:validation:Enum=ScopeUnscoped;RestoreThirdParty;RollingUpdate;PreferredRules
type Consent string

const (
	// ConsentScopeUnscoped allows Rehome to add the Cluster's name to inherited rules that name no cluster and so select the Pods
	// of all clusters.
	ConsentScopeUnscoped Consent = "ScopeUnscoped"
	// ConsentRestoreThirdParty allows Rehome to restore what KubeBlocks' own rewrite removed from inherited rules that name other
	// clusters.
	ConsentRestoreThirdParty Consent = "RestoreThirdParty"
	// ConsentRollingUpdate allows Rehome to rewrite rules of a running database: KubeBlocks restarts its Pods one by one.
	ConsentRollingUpdate Consent = "RollingUpdate"
	// ConsentPreferredRules allows Rehome to rewrite a required rule that the bound volumes do not admit into a preferred one.
	ConsentPreferredRules Consent = "PreferredRules"
)

// SourceReference names a cluster by itself or by a Backup of it.
//
// +kubebuilder:validation:XValidation:rule="has(self.name) != has(self.backup)",message="set either name or backup: a Backup records the name of its cluster"
// +kubebuilder:validation:XValidation:rule="!has(self.backup) || !has(self.namespace)",message="set namespace only with name: a Backup records the namespace of its cluster"
type SourceReference struct {
	// Namespace of the cluster; empty for that of the Rehoming.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// Name of the cluster. Every rule that names it counts as inherited.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Name string `json:"name,omitempty"`
	// Backup of the cluster. A rule counts as inherited when it stands in the Backup's snapshot.
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

// RehomingStatus is what Rehome observed and did. Long lists are truncated; Counts holds their full lengths.
type RehomingStatus struct {
	// ObservedGeneration is the generation of the spec that this status reports on.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Mode that is in effect.
	// +optional
	Mode string `json:"mode,omitempty"`
	// Source is the cluster that the rules come from, the first where there are several.
	// +optional
	Source *ClusterIdentity `json:"source,omitempty"`
	// Backups that were read.
	// +optional
	Backups []BackupReference `json:"backups,omitempty"`
	// Counts are the lengths of the lists before they were truncated.
	// +optional
	Counts *Counts `json:"counts,omitempty"`
	// LastAction is the name of the newest of Actions.
	// +optional
	LastAction string `json:"lastAction,omitempty"`
	// Edits are the places of the Cluster where an inherited rule named the source.
	// +optional
	Edits []EditStatus `json:"edits,omitempty"`
	// Findings are remarks on the Cluster's rules.
	// +optional
	Findings []FindingStatus `json:"findings,omitempty"`
	// Actions that were taken to unblock the Cluster, the oldest first. The rewrite of its rules is listed in Edits.
	// +optional
	Actions []ActionStatus `json:"actions,omitempty"`
	// Restores of the Cluster that prepare volumes.
	// +optional
	Restores []RestoreStatus `json:"restores,omitempty"`
	// Conditions of the Cluster as a whole: Ready, PolicyRehomed, PodsScheduled, and Reconciling or Stalled while True.
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
	// Unblocked counts the Restores that were remediated and whose Pods have nodes.
	Unblocked int32 `json:"unblocked"`
}

// ClusterIdentity distinguishes one cluster from another.
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
	// From and To are the old and the new value: strings as they are, other values as JSON.
	// +optional
	From string `json:"from,omitempty"`
	// +optional
	To string `json:"to,omitempty"`
	// AppliedTime is when the edit was first seen applied; empty until then.
	// +optional
	AppliedTime *metav1.Time `json:"appliedTime,omitempty"`
}

// FindingStatus is a remark on a rule.
type FindingStatus struct {
	// Path is a JSON Pointer into the Cluster.
	Path string `json:"path"`
	// Class of the finding, such as SourceIdentity or ThirdParty.
	Class   string `json:"class"`
	Message string `json:"message"`
}

// ActionStatus is one remediation attempt.
type ActionStatus struct {
	// Action that was taken: RecreateRestore, ReplaceSchedulingSpec, RecreateJobs, PatchInstance or RecreatePod.
	Action string `json:"action"`
	// Target is the object that the action is about.
	Target ActionTarget `json:"target"`
	// Time is when the action was taken.
	Time metav1.Time `json:"time"`
}

// ActionTarget names an object in the Namespace of the Rehoming.
type ActionTarget struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// RestoreStatus is one Restore.
type RestoreStatus struct {
	Name string `json:"name"`
	// Phase is KubeBlocks' own.
	// +optional
	Phase string `json:"phase,omitempty"`
	// PolicyReason is the reason of the Restore's condition PolicyRehomed.
	// +optional
	PolicyReason string `json:"policyReason,omitempty"`
	// PodsReason is the reason of the Restore's condition PodsScheduled.
	// +optional
	PodsReason string `json:"podsReason,omitempty"`
	// AttemptsLeft is the number of remediation attempts that remain.
	AttemptsLeft int32 `json:"attemptsLeft"`
	// PendingPods are the Pods without a node.
	// +optional
	PendingPods []PendingPod `json:"pendingPods,omitempty"`
}

// PendingPod is a Pod without a node.
type PendingPod struct {
	Name string `json:"name"`
	// Reason in the scheduler's words; empty until the scheduler has tried to place the Pod.
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
