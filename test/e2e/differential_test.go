package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/differential"
)

// differentialTable restores a backup of every shape. Rehome does not run, so that it sees what KubeBlocks writes.
func (e *testEnv) differentialTable() {
	It("is what docs/differential.md shows", func(ctx SpecContext) {
		shapes, err := differential.Shapes()
		Expect(err).NotTo(HaveOccurred())
		Expect(differential.Source).To(Equal(plain), "the shapes name the source that runs")
		Expect(e.fixture.Backup(ctx, differential.Source, differential.Backup)).To(Succeed())

		cases, err := differential.Restore(ctx, e.fixture, shapes, func(step string) { By(step) })
		Expect(err).NotTo(HaveOccurred())

		page, err := renderPage(cases)
		Expect(err).NotTo(HaveOccurred())
		expectPage(page)
	}, SpecTimeout(specTimeout))
}
