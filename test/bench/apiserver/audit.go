package apiserver

import (
	_ "embed"
	"path/filepath"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/rehome-operator/rehome/test/e2e/audit"
)

//go:embed audit.yaml
var auditPolicy []byte

// audit makes the API server log Rehome's requests.
func (s *Server) audit(flags *envtest.Arguments) error {
	policy, err := s.write("audit.yaml", auditPolicy)
	if err != nil {
		return err
	}
	flags.Set("audit-policy-file", policy).
		Set("audit-log-path", s.auditLog()).
		// A request is in the log before its response is sent.
		Set("audit-log-mode", "blocking").
		// Never rotated, so that Requests reads one file.
		Set("audit-log-maxsize", "10000")
	return nil
}

func (s *Server) auditLog() string { return filepath.Join(s.dir, "audit.log") }

// Requests returns Rehome's completed requests that the API server received after a time. A watch completes when it ends.
func (s *Server) Requests(since time.Time) (audit.Log, error) {
	log, err := audit.Read(s.auditLog())
	if err != nil {
		return nil, err
	}
	var requests audit.Log
	for _, event := range log {
		if event.Received.After(since) {
			requests = append(requests, event)
		}
	}
	return requests, nil
}
