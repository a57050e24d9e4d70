package placement_test

import (
	"context"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// counting is a Scheduler that places each hundredth Pod, and counts the questions.
type counting struct{ picks, filters int }

func (c *counting) new(context.Context, *placement.World) (placement.Scheduler, error) { return c, nil }

func (c *counting) Filter(context.Context, *corev1.Pod) ([]placement.Verdict, error) {
	c.filters++
	return []placement.Verdict{{Node: "node-a", Refusals: []placement.Refusal{{Plugin: "NodeResourcesFit", Reasons: []string{"full"}}}}}, nil
}

func (c *counting) Pick(context.Context, *corev1.Pod) (string, error) {
	if c.picks++; c.picks%100 == 0 {
		return "node-a", nil
	}
	return "", nil
}

func (c *counting) Assume(*corev1.Pod, string) error { return nil }
func (c *counting) Forget(*corev1.Pod) error         { return nil }

// largePreflight returns the report about a thousand Pods on so many nodes.
func largePreflight(t *testing.T, nodes int, policy string, c *counting) *placement.PreflightReport {
	t.Helper()
	w := newWorld("z1")
	for i := 1; i < nodes; i++ {
		node := w.Nodes[0]
		node.Name = fmt.Sprintf("node-%d", i)
		w.Nodes = append(w.Nodes, node)
	}
	in := inputOf(t, w, components(`{"name":"mysql","replicas":1000`+policy+`}`))
	in.NewScheduler = c.new
	return preflight(t, in)
}

// A Pod without rules that need other Pods is refused once, whatever other Pods find.
func TestPodsThatNothingHelpsAreTriedOnce(t *testing.T) {
	g := NewWithT(t)
	c := &counting{}
	w := newWorld("z1")
	would, err := placement.PodsOf(&placement.Restored{
		Cluster: blueprint(t, components(`{"name":"mysql","replicas":1000}`)), Version: "1.0",
	}, w)
	g.Expect(err).NotTo(HaveOccurred())

	play, err := placement.PlayRestore(t.Context(), c.new, w, &would)

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(play.Database.Waiting).To(HaveLen(990))
	g.Expect(c.picks).To(Equal(2*1000), "in two orders")
	g.Expect(c.filters).To(Equal(1000+2*20), "for an order, and for the reasons of the first Pods")
}

func TestPreflightIsBounded(t *testing.T) {
	t.Run("in what it places", func(t *testing.T) {
		g := NewWithT(t)
		c := &counting{}
		report := largePreflight(t, 40_000, "", c)
		g.Expect(report.Fits).To(Equal(placement.Unknown))
		g.Expect(textOf(report)).To(ContainSubstring("warn  too many Pods and nodes to place the Pods: nobody knows whether they fit"))
		g.Expect(c.picks + c.filters).To(BeNumerically("<", 3000))
	})
	t.Run("in how many nodes more it tries", func(t *testing.T) {
		g := NewWithT(t)
		c := &counting{}
		report := largePreflight(t, 8_000, "", c)
		g.Expect(report.Fits).To(Equal(placement.No))
		g.Expect(report.Missing.NotTried).To(BeTrue())
		g.Expect(textOf(report)).To(ContainSubstring("how many nodes more would do was not tried"))
		g.Expect(textOf(report)).To(HaveSuffix("Does not fit. How many nodes more would do was not tried.\n"))
		g.Expect(textOf(report)).NotTo(ContainSubstring("do not fit either"))
		g.Expect(c.picks + c.filters).To(BeNumerically("<", 3000+2500+200))
	})
	t.Run("in rounds of Pods that need each other", func(t *testing.T) {
		g := NewWithT(t)
		c := &counting{}
		spread := `,"schedulingPolicy":{"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}]}`
		report := largePreflight(t, 20_000, spread, c)
		g.Expect(report.Fits).To(Equal(placement.Unknown), textOf(report))
		g.Expect(c.picks + c.filters).To(BeNumerically("<", 5100))
	})
}
