package features

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestGates(t *testing.T) {
	g := NewWithT(t)

	gates, err := New(nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(gates.Enabled(RecreatePods)).To(BeTrue())

	gates, err = New(map[string]bool{"RecreatePods": false})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(gates.Enabled(RecreatePods)).To(BeFalse())

	_, err = New(map[string]bool{"RecreatePod": false})
	g.Expect(err).To(MatchError(ContainSubstring("featureGates: unrecognized feature gate: RecreatePod")))
}
