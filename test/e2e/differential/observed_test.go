package differential

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// A shape is kept here because KubeBlocks gets it wrong. Rehome must get it right.
func TestObservedShapes(t *testing.T) {
	g := NewWithT(t)
	shapes, err := ObservedShapes()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(shapes).NotTo(BeEmpty())
	for _, shape := range shapes {
		t.Run(shape.Name, func(t *testing.T) {
			g := NewWithT(t)
			c, err := NewObserved(shape)
			g.Expect(err).NotTo(HaveOccurred())

			own, err := c.Rewrite(c.Restored, rewrite.Options{})

			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(c.Judge(Policies(c.Observed)).Text).To(Equal("wrong: podAntiAffinity still names my1"))
			g.Expect(c.Judge(own.Policies)).To(Equal(Verdict{Right: true, Text: "right"}))
		})
	}
}
