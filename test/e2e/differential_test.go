package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/differential"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

var _ = Describe("The differential table", Label("v1.0.2"), Ordered, func() {
	e := useTestEnv("v1.0.2", nil)

	It("is what docs/differential.md shows", func(ctx SpecContext) {
		shapes, err := differential.Shapes()
		Expect(err).NotTo(HaveOccurred())
		e.backUp(ctx, fixture.Source{Name: differential.Source}, differential.Backup)

		cases, err := differential.Restore(ctx, e.fixture, shapes, func(step string) { By(step) })
		Expect(err).NotTo(HaveOccurred())

		page, err := renderPage(cases)
		Expect(err).NotTo(HaveOccurred())
		expectPage(page)
	}, SpecTimeout(specTimeout))
})
