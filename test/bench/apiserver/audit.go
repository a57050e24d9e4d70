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

// audit has the API server write a log of what Rehome asks of it.
func (s *Server) audit(flags *envtest.Arguments) error {
	policy, err := s.write("audit.yaml", auditPolicy)
	if err != nil {
		return err
	}
	flags.Set("audit-policy-file", policy).
		Set("audit-log-path", s.auditLog()).
		// Who sees the answer of a request finds it in the log.
		Set("audit-log-mode", "blocking").
		// One file: a reader need not know how they are rotated.
		Set("audit-log-maxsize", "10000")
	return nil
}

func (s *Server) auditLog() string { return filepath.Join(s.dir, "audit.log") }

// Asked returns the requests of Rehome that came since a time and have been answered. A watch is answered when it ends.
func (s *Server) Asked(since time.Time) (audit.Log, error) {
	log, err := audit.Read(s.auditLog())
	if err != nil {
		return nil, err
	}
	var asked audit.Log
	for _, event := range log {
		if event.Received.After(since) {
			asked = append(asked, event)
		}
	}
	return asked, nil
}
