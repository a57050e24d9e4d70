package controlplane

import (
	"os"
	"path/filepath"
)

// AuditLog is the path of what the API server writes by Options.AuditPolicy: a JSON object a line, in the order in which
// requests end. Who sees the answer of a request finds it there.
func (c *ControlPlane) AuditLog() string { return filepath.Join(c.options.LogDir, "audit.log") }

// auditing are the flags of the API server for the audit log, none without a policy.
func (c *ControlPlane) auditing() ([]string, error) {
	if len(c.options.AuditPolicy) == 0 {
		return nil, nil
	}
	policy := filepath.Join(c.dir, "audit-policy.yaml")
	return []string{
		"--audit-policy-file=" + policy,
		"--audit-log-path=" + c.AuditLog(),
		// Not in batches: the log would lack the last requests before a kill, and its order would not be that of the answers.
		"--audit-log-mode=blocking-strict",
		// One file: a reader need not know how they are rotated.
		"--audit-log-maxsize=10000",
	}, os.WriteFile(policy, c.options.AuditPolicy, 0o600)
}
