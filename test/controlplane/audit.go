package controlplane

import (
	"os"
	"path/filepath"
)

// AuditLog returns the path of the log that the API server writes by Options.AuditPolicy: one JSON object per line, in the order in
// which requests end. An event is in the log before the client gets the response.
func (c *ControlPlane) AuditLog() string { return filepath.Join(c.options.LogDir, "audit.log") }

// auditing returns the API server's flags for the audit log. There are none without a policy.
func (c *ControlPlane) auditing() ([]string, error) {
	if len(c.options.AuditPolicy) == 0 {
		return nil, nil
	}
	policy := filepath.Join(c.dir, "audit-policy.yaml")
	return []string{
		"--audit-policy-file=" + policy,
		"--audit-log-path=" + c.AuditLog(),
		// Batches would lose the last requests before a kill, and change the order.
		"--audit-log-mode=blocking-strict",
		// No rotation, so readers need to know one file only.
		"--audit-log-maxsize=10000",
	}, os.WriteFile(policy, c.options.AuditPolicy, 0o600)
}
