package e2e

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/audit"
)

// expectOnlyRightDeletions expects that Rehome, in all the time of the stage, deleted nothing that had started.
func (e *testEnv) expectOnlyRightDeletions() {
	GinkgoHelper()
	if e.controlPlane == nil {
		return
	}
	found := audit.Check(e.auditLog())
	AddReportEntry("Deletions by Rehome", fmt.Sprintf("%d checked, %d refused by the API server", found.Checked, found.Refused))
	Expect(found.Violations).To(BeEmpty())
}

// expectNothingForbidden expects that Rehome's rights cover all that it wrote. An API server that was restarted knows no rights for a
// moment.
func (e *testEnv) expectNothingForbidden() {
	GinkgoHelper()
	Expect(e.auditLog().Forbidden()).To(BeEmpty())
}

func (e *testEnv) auditLog() audit.Log {
	GinkgoHelper()
	log, err := audit.Read(e.controlPlane.AuditLog())
	Expect(err).NotTo(HaveOccurred())
	return log
}
