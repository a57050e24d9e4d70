package scheduler

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// TestEqualRefusalsAreShared: the verdicts of many Pods on many nodes are held at once.
func TestEqualRefusalsAreShared(t *testing.T) {
	g := NewWithT(t)
	refused := func(plugin, reason string) placement.Verdict {
		return placement.Verdict{Refusals: []placement.Refusal{{Plugin: plugin, Reasons: []string{reason}}}}
	}
	verdicts := []placement.Verdict{refused("A", "x"), {}, refused("A", "y"), refused("A", "x"), refused("B", "x")}

	shareRefusals(verdicts)

	g.Expect(verdicts).To(Equal([]placement.Verdict{refused("A", "x"), {}, refused("A", "y"), refused("A", "x"), refused("B", "x")}))
	g.Expect(&verdicts[3].Refusals[0]).To(BeIdenticalTo(&verdicts[0].Refusals[0]))
}
