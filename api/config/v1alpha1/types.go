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

// LogLevel says how much is logged; each level holds those before it.
type LogLevel string

// The log levels.
const (
	// LogError logs what failed.
	LogError LogLevel = "Error"
	// LogInfo also logs what was done.
	LogInfo LogLevel = "Info"
	// LogDebug also logs what was decided.
	LogDebug LogLevel = "Debug"
	// LogTrace also logs what was looked at and needed nothing.
	LogTrace LogLevel = "Trace"
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
	// WatchNamespaces are the Namespaces whose Clusters are looked after. Default: all.
	WatchNamespaces []string       `json:"watchNamespaces,omitempty"`
	Metrics         Metrics        `json:"metrics,omitempty"`
	Health          Health         `json:"health,omitempty"`
	LeaderElection  LeaderElection `json:"leaderElection,omitempty"`
	// LogLevel is Error, Info, Debug or Trace. Default: Info.
	LogLevel LogLevel `json:"logLevel,omitempty"`
	// FeatureGates turn features on and off. The names are those of package pkg/features.
	FeatureGates map[string]bool `json:"featureGates,omitempty"`
}

// Metrics says where metrics are served.
type Metrics struct {
	// BindAddress of the endpoint; "0" serves none. Default: ":8443".
	BindAddress string `json:"bindAddress,omitempty"`
	// Insecure serves plain HTTP to everybody. Otherwise it is HTTPS, and whoever asks must be allowed to get the
	// non-resource URL /metrics.
	Insecure bool `json:"insecure,omitempty"`
}

// Health says where /healthz and /readyz are served.
type Health struct {
	// BindAddress of the endpoint; "0" serves none. Default: ":8081".
	BindAddress string `json:"bindAddress,omitempty"`
}

// LeaderElection lets one of several managers act.
type LeaderElection struct {
	// Enabled is needed when more than one manager runs.
	Enabled bool `json:"enabled,omitempty"`
	// Namespace of the lease. Default: that of the manager's Pod.
	Namespace string `json:"namespace,omitempty"`
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
