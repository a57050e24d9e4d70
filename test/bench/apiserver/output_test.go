package apiserver

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
)

func TestOutputRecordsLinesSplitAcrossWrites(t *testing.T) {
	g := NewWithT(t)
	o := newOutput([]string{"Decided", "synced"})

	for _, part := range []string{"starting\nDec", "ided 1\nDecided 2", "\nsync"} {
		_, err := fmt.Fprint(o, part)
		g.Expect(err).NotTo(HaveOccurred())
	}

	g.Expect(o.count("Decided")).To(Equal(2))
	g.Expect(o.first("Decided")).To(BeTemporally("<=", o.last("Decided")))
	g.Expect(o.count("synced")).To(BeZero(), "the line has not ended")
	g.Expect(o.tail()).To(Equal("starting\nDecided 1\nDecided 2\nsync"))
}
