package e2e

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/audit"
)

// expectOnlyRightDeletions expects that Rehome deleted nothing that had started, from the start of the control plane until now.
func (e *testEnv) expectOnlyRightDeletions() {
	GinkgoHelper()
	if e.controlPlane == nil {
		return
	}
	found := audit.Check(e.auditLog())
	AddReportEntry("Deletions by Rehome", fmt.Sprintf("%d checked, %d refused by the API server", found.Checked, found.Refused))
	Expect(found.Violations).To(BeEmpty())
}

// expectNothingForbidden expects that the API server has answered no request of Rehome with 403.
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
