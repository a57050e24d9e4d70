package testing

import (
	"os"
	"path/filepath"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// AuditVariable is the environment variable that names a folder for audit logs: each API server writes one, by the policy in AuditPolicy.
const AuditVariable = "REHOME_TEST_AUDIT"

// AuditPolicy is the file in the folder of AuditVariable that says what is logged. Each other file there is a log.
const AuditPolicy = "policy.yaml"

// Audit has the API server of an environment write an audit log, if AuditVariable is set.
func Audit(environment *envtest.Environment) error {
	dir := os.Getenv(AuditVariable)
	if dir == "" {
		return nil
	}
	log, err := os.CreateTemp(dir, "*.log")
	if err != nil {
		return err
	}
	flags := environment.ControlPlane.GetAPIServer().Configure()
	flags.Set("audit-policy-file", filepath.Join(dir, AuditPolicy)).Set("audit-log-path", log.Name())
	return log.Close()
}
