package placement_test

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// row is a node that one plugin refuses.
func row(node, plugin, reason, by string) placement.NodeRow {
	return placement.NodeRow{Nodes: []string{node}, Stops: []placement.Stop{{By: by, Plugin: plugin, Reasons: []string{reason}}}}
}

func TestGroupedRowsHoldForAllTheirNodes(t *testing.T) {
	g := NewWithT(t)
	tainted, full := "node(s) had untolerated taint(s)", "Insufficient cpu"
	rows := []placement.NodeRow{
		row("a", "TaintToleration", tainted, "taint dedicated=gpu"), row("b", "TaintToleration", tainted, "taint dedicated=gpu"),
		row("c", "TaintToleration", tainted, "taint spot=true"),
		row("d", "NodeResourcesFit", full, "cpu: asks for 2, 1 of 8 is free"), row("e", "NodeResourcesFit", full, "cpu: asks for 2, 0 of 8 is free"),
		row("f", "NodeAffinity", "x", "node selector disk=ssd"), row("g", "NodeAffinity", "x", "node selector zone=a"),
	}

	grouped := placement.Grouped(rows)

	var texts []string
	for _, r := range grouped {
		texts = append(texts, r.Stops[0].By)
	}
	g.Expect(texts).To(Equal([]string{"taint dedicated=gpu", "taint spot=true", full, "node selector disk=ssd", "node selector zone=a"}))
	g.Expect(grouped[0].Nodes).To(Equal([]string{"a", "b"}))
	g.Expect(grouped[2].Nodes).To(Equal([]string{"d", "e"}))
	g.Expect(rows[3].Stops[0].By).To(HavePrefix("cpu:"), "a row of its own keeps its numbers")
}
