package v1alpha1

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Mode says how far Rehome goes.
type Mode string

// The modes.
const (
	// Enforce rewrites rules and unblocks restores.
	Enforce Mode = "Enforce"
	// Observe reports what Enforce would do, and changes nothing.
	Observe Mode = "Observe"
	// Disabled changes and reports nothing.
	Disabled Mode = "Disabled"
)

// ParseMode returns the mode of that name. The error says which modes there are, and what to write instead of "off".
func ParseMode(text string) (Mode, error) {
	switch mode := Mode(text); {
	case mode == Enforce || mode == Observe || mode == Disabled:
		return mode, nil
	case strings.EqualFold(text, "off") || strings.EqualFold(text, "false"):
		return "", fmt.Errorf("must be Enforce, Observe or Disabled, got %q: write Disabled", text)
	default:
		return "", fmt.Errorf("must be Enforce, Observe or Disabled, got %q", text)
	}
}

// UnmarshalJSON reads a mode. YAML reads an unquoted off as false, so the error for a boolean says what to write.
func (m *Mode) UnmarshalJSON(data []byte) error {
	if string(data) == "false" {
		return errors.New("mode: must be Enforce, Observe or Disabled, got false (YAML reads off as false): write Disabled")
	}
	return json.Unmarshal(data, (*string)(m))
}

// DatabasePods says what Rehome does about database Pods that are Pending under stale rules, where KubeBlocks does not replace
// them.
type DatabasePods string

// What is done about such Pods.
const (
	// RecreateDatabasePods deletes them, so that KubeBlocks re-creates them with the rewritten rules.
	RecreateDatabasePods DatabasePods = "Recreate"
	// ReportDatabasePods only reports them.
	ReportDatabasePods DatabasePods = "Report"
)

// RestorePods says which rules the Pods that restore data get.
type RestorePods string

// The rules of restore Pods.
const (
	// Inherit gives restore Pods the rules of the database Pods, rewritten.
	Inherit RestorePods = "Inherit"
	// Auto relaxes the rules among the cluster's own Pods where they leave a restore Pod no node, unless the volumes are bound to
	// nodes or zones: then the data would be restored where the database Pods may not run.
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
	// LogTrace also logs reconciles that decided nothing.
	LogTrace LogLevel = "Trace"
)

// Configuration is the file that `rehome manager --config` reads. Every field has a default, and the file is optional.
//
// +kubebuilder:object:root=true
type Configuration struct {
	metav1.TypeMeta `json:",inline"`

	// Mode of all Clusters whose Rehoming and Namespace set none. Default: Enforce.
	Mode Mode `json:"mode,omitempty"`
	// RestorePods says which rules restore Pods get. Default: Inherit.
	RestorePods RestorePods `json:"restorePods,omitempty"`
	// DatabasePods says what is done about database Pods that KubeBlocks does not replace. Default: Recreate.
	DatabasePods DatabasePods `json:"databasePods,omitempty"`
	// IdentityLabels are further label keys whose value is the name of a Pod's cluster.
	IdentityLabels []string `json:"identityLabels,omitempty"`
	// CrossNamespaceBackups says whether a Backup in another Namespace than its Cluster's is read. Default: true.
	CrossNamespaceBackups *bool  `json:"crossNamespaceBackups,omitempty"`
	Limits                Limits `json:"limits,omitempty"`
	// WatchNamespaces are the Namespaces whose Clusters are remediated. Default: all.
	WatchNamespaces []string       `json:"watchNamespaces,omitempty"`
	Metrics         Metrics        `json:"metrics,omitempty"`
	Health          Health         `json:"health,omitempty"`
	LeaderElection  LeaderElection `json:"leaderElection,omitempty"`
	Webhook         Webhook        `json:"webhook,omitempty"`
	// LogLevel is Error, Info, Debug or Trace. Default: Info.
	LogLevel LogLevel `json:"logLevel,omitempty"`
}

// ReadsElsewhere reports whether a Backup in another Namespace than its Cluster's is read.
func (c *Configuration) ReadsElsewhere() bool {
	return c.CrossNamespaceBackups == nil || *c.CrossNamespaceBackups
}

// ServesWebhook reports whether rules are rewritten at admission, too.
func (c *Configuration) ServesWebhook() bool {
	return c.Webhook.BindAddress != "" && c.Webhook.BindAddress != "0"
}

// Metrics says where metrics are served.
type Metrics struct {
	// BindAddress of the endpoint; "0" serves none. Default: ":8443".
	BindAddress string `json:"bindAddress,omitempty"`
	// Insecure serves plain HTTP without authentication. Otherwise it is HTTPS, and the caller needs the right to get the
	// non-resource URL /metrics.
	Insecure bool `json:"insecure,omitempty"`
	// Backups serves rehome_backups, for which the metadata of all Backups is watched. The operator needs the right to list and watch
	// Backups then.
	Backups bool `json:"backups,omitempty"`
}

// Health says where /healthz and /readyz are served.
type Health struct {
	// BindAddress of the endpoint; "0" serves none. Default: ":8081".
	BindAddress string `json:"bindAddress,omitempty"`
}

// Certificates says where the webhook's certificate comes from.
type Certificates string

// The origins of the certificate.
const (
	// SelfSignedCertificates are made in memory, and added to the caBundle of the MutatingWebhookConfiguration.
	SelfSignedCertificates Certificates = "SelfSigned"
	// CertManagerCertificates are made by cert-manager, which also sets caBundle. They are read from a folder.
	CertManagerCertificates Certificates = "CertManager"
	// ExistingCertificates are read from a folder. Somebody else sets caBundle.
	ExistingCertificates Certificates = "Existing"
)

// Webhook says where the webhook is served that rewrites rules at admission.
type Webhook struct {
	// BindAddress of the webhook; "0" serves none. Default: "0".
	BindAddress string `json:"bindAddress,omitempty"`
	// Certificates is SelfSigned, CertManager or Existing. Default: SelfSigned.
	Certificates Certificates `json:"certificates,omitempty"`
	// CertificateDirectory holds tls.crt and tls.key, unless the certificate is SelfSigned. Default: /etc/rehome-webhook.
	CertificateDirectory string `json:"certificateDirectory,omitempty"`
	// Configuration is the name of the MutatingWebhookConfiguration. Default: rehome-webhook.
	Configuration string `json:"configuration,omitempty"`
}

// LeaderElection lets one of several managers act.
type LeaderElection struct {
	// Enabled is needed when more than one manager runs.
	Enabled bool `json:"enabled,omitempty"`
	// Namespace of the lease. Default: that of the manager's Pod.
	Namespace string `json:"namespace,omitempty"`
}

// Limits bound what Rehome does. A remediation re-creates a Restore, a set of Jobs or a Pod; a rewrite of a Cluster is none.
type Limits struct {
	// AttemptsPerRestore is the maximum number of remediations of a Restore. Default: 3.
	AttemptsPerRestore int32 `json:"attemptsPerRestore,omitempty"`
	// AttemptSpacing is the minimum time between the first attempt and the second; it doubles with each. Default: 30s.
	AttemptSpacing metav1.Duration `json:"attemptSpacing,omitempty"`
	// RemediationsPerMinute is the rate at which the token bucket of all Clusters' remediations refills. Default: 10.
	RemediationsPerMinute int32 `json:"remediationsPerMinute,omitempty"`
	// RemediationBurst is the size of that bucket. Default: 50.
	RemediationBurst int32 `json:"remediationBurst,omitempty"`
	// BreakerCoolDown is how long nothing is remediated after more than half of the last ten remediated Restores were
	// Unschedulable again for the same reason. Default: 5m.
	BreakerCoolDown metav1.Duration `json:"breakerCoolDown,omitempty"`
}
