package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Mode says how far Rehome goes.
type Mode string

// The modes.
const (
	// Enforce rewrites rules and unblocks restores.
	Enforce Mode = "Enforce"
	// Observe reports what Enforce would do, and changes nothing.
	Observe Mode = "Observe"
	// Off does and says nothing.
	Off Mode = "Off"
)

// RestorePods says which rules the Pods that restore data follow.
type RestorePods string

// The rules of restore Pods.
const (
	// Inherit gives restore Pods the rules of the database Pods, rewritten.
	Inherit RestorePods = "Inherit"
	// Auto relaxes rules among the cluster's own Pods where they keep a restore Pod from every node, unless the volumes are
	// tied to nodes or zones: then the data would land where the database Pods may not run.
	Auto RestorePods = "Auto"
	// Relaxed relaxes them wherever the volumes are.
	Relaxed RestorePods = "Relaxed"
)

// Configuration is the file that `rehome manager --config` reads. Every field has a default, and the file is optional.
//
// +kubebuilder:object:root=true
type Configuration struct {
	metav1.TypeMeta `json:",inline"`

	// Mode of all Clusters that neither they nor their Namespaces have one for. Default: Enforce.
	Mode Mode `json:"mode,omitempty"`
	// RestorePods says which rules restore Pods follow. Default: Inherit.
	RestorePods RestorePods `json:"restorePods,omitempty"`
	// IdentityLabels are further label keys whose value is the name of a Pod's cluster.
	IdentityLabels []string `json:"identityLabels,omitempty"`
	Limits         Limits   `json:"limits,omitempty"`
}

// Limits bound what Rehome does. A remediation is a Restore, a set of Jobs or a Pod that is made anew; a rewrite of a Cluster
// is none.
type Limits struct {
	// AttemptsPerRestore is how often a Restore is remediated at most. Default: 3.
	AttemptsPerRestore int32 `json:"attemptsPerRestore,omitempty"`
	// AttemptSpacing is the least time between the first attempt and the second; it doubles with each. Default: 30s.
	AttemptSpacing metav1.Duration `json:"attemptSpacing,omitempty"`
	// RemediationsPerMinute is how many remediations of all Clusters together there are in the long run. Default: 10.
	RemediationsPerMinute int32 `json:"remediationsPerMinute,omitempty"`
	// RemediationBurst is how many there are at once. Default: 50.
	RemediationBurst int32 `json:"remediationBurst,omitempty"`
	// BreakerCoolDown is how long nothing is remediated after more than half of the last ten remediated Restores were turned
	// down by the scheduler again, for the same reason. Default: 5m.
	BreakerCoolDown metav1.Duration `json:"breakerCoolDown,omitempty"`
}
