package e2e

import (
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/predictions"
)

const (
	// sample is how many Backups are restored at least, and hanging how many of them hang.
	sample, hanging = 25, 8
	// candidates are more, because some generated clusters do not run.
	candidates = 54
	// predictionsTimeout bounds the creation, backup and restore of all.
	predictionsTimeout = 30 * time.Minute
)

// predictions restores Backups of generated clusters without Rehome, and expects what an audit says of each.
func (e *testEnv) predictions() {
	It("is what an audit predicts", Label("predictions"), func(ctx SpecContext) {
		cases, shared, err := predictions.Restore(ctx, e.fixture, candidates, func(step string) { By(step) })
		Expect(err).NotTo(HaveOccurred())

		hang, wrong := 0, []string{}
		for _, c := range cases {
			if !c.Restored.Running {
				hang++
			}
			if !c.Agrees() {
				wrong = append(wrong, c.String())
			}
		}
		AddReportEntry("predictions", fmt.Sprintf("%s: %d Backups restored, %d hang and %d run; %d are as an audit predicts. "+
			"%d that are predicted to hang were not restored: their sources share nodes",
			e.version.Name, len(cases), hang, len(cases)-hang, len(cases)-len(wrong), shared), ReportEntryVisibilityAlways)
		Expect(wrong).To(BeEmpty(), strings.Join(wrong, "\n"))
		Expect(len(cases)).To(BeNumerically(">=", sample), "clusters that ran and were restored")
		Expect(hang).To(BeNumerically(">=", hanging), "restores that hang")
		Expect(shared).To(BeNumerically("<=", hang), "most of what is predicted to hang is restored")
	}, SpecTimeout(predictionsTimeout))
}
