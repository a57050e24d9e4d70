package e2e

import (
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// earlyRestores is how many restores show how often Rehome is early.
const earlyRestores = 5

// Scenario (i): the stale rule keeps restore Pods from the source's, not from each other. So where there is a free node, all
// of them land on it, and with them their volumes. Nothing hangs, and nothing is spread.

func (e *testEnv) lostSpread() {
	It("lose their spread to a free node, and Rehome says so while they run", func(ctx SpecContext) {
		node := fixture.SlowNode("free")
		e.addNode(ctx, node)
		c := e.restore(ctx, plain, "late")
		started, err := e.fixture.WaitRestorePodsRunning(ctx, c.name, fixture.Replicas)
		Expect(err).NotTo(HaveOccurred())
		Expect(started).To(HaveEach(HaveField("Spec.NodeName", node.Name)))
		before := c.restoreJobs(ctx)

		c.runRehome(ctx)

		c.expectSpreadLost(ctx, node.Name)
		Expect(c.restoreJobs(ctx)).To(Equal(before))
		for i := range started {
			Expect(e.fixture.Finish(ctx, &started[i])).To(Succeed())
		}
		c.expectRunning(ctx)
		c.expectReportMatchesNodes(ctx, node.Name)
	}, SpecTimeout(specTimeout))

	It("lose their spread to a free node, and Rehome says so afterwards", func(ctx SpecContext) {
		node := fixture.FreeNode("free")
		e.addNode(ctx, node)
		c := e.restore(ctx, plain, "after")
		Expect(e.fixture.WaitRunning(ctx, c.name)).To(Succeed())
		before, err := e.fixture.Fingerprint(ctx, c.name)
		Expect(err).NotTo(HaveOccurred())

		c.runRehome(ctx)

		c.expectSpreadLost(ctx, node.Name)
		c.expectRunning(ctx)
		Expect(e.fixture.Fingerprint(ctx, c.name)).To(Equal(before), "the database runs, so Rehome does not touch it")
	}, SpecTimeout(specTimeout))
}

// early is the other side of scenario (i): Rehome runs when the restore begins.
func (e *testEnv) keptSpread() {
	It("keep their spread where Rehome runs before them and is early enough", func(ctx SpecContext) {
		node := fixture.FreeNode("open")
		e.addNode(ctx, node)
		e.runRehome(ctx)
		outcomes := map[string]int{}
		for i := range earlyRestores {
			c := e.restore(ctx, plain, fmt.Sprintf("early-%d", i))
			c.before = c.sourceState(ctx, c.restored)
			c.expectRunning(ctx)
			outcomes[c.expectReportMatchesNodes(ctx, node.Name)]++
		}
		AddReportEntry("Rehome was early", fmt.Sprintf("in %d of %d restores; all: %v", outcomes["Rehomed"], earlyRestores, outcomes))
	}, SpecTimeout(2*specTimeout))
}

// expectReportMatchesNodes expects that Rehome says of a restore that runs what is so, and returns the reason it gives: either every
// replica has a node of its own, or the spread is lost and Rehome says where the volumes are. RestoreFinished is the first
// of these after a late start: the volumes here are tied to no node, so the database Pods could still be kept apart.
func (c *restoredCluster) expectReportMatchesNodes(ctx context.Context, node string) (reason string) {
	GinkgoHelper()
	kept := Or(HavePrefix("True Rehomed: "), HavePrefix("True RestoreFinished: "))
	c.expectConditions(ctx, HaveKeyWithValue(policyRehomed, Or(kept, HavePrefix("False SpreadLost: "))))
	conditionsOfRestores, err := c.conditionsOfRestores(ctx)
	Expect(err).NotTo(HaveOccurred())
	status, said, _ := strings.Cut(conditionsOfRestores[0][policyRehomed], " ")
	if status == "True" {
		c.expectSpread(ctx, c.name)
	} else {
		c.expectSpreadLost(ctx, node)
	}
	reason, _, _ = strings.Cut(said, ":")
	return reason
}

// expectSpreadLost expects that Rehome names the node, and the volumes that are on it.
func (c *restoredCluster) expectSpreadLost(ctx context.Context, node string) {
	GinkgoHelper()
	verdict := And(HavePrefix("False SpreadLost: "), ContainSubstring(node))
	for i := range fixture.Replicas {
		verdict = And(verdict, ContainSubstring(fmt.Sprintf("data-%s-mysql-%d", c.name, i)))
	}
	c.expectConditions(ctx, HaveKeyWithValue(policyRehomed, verdict))
}

// restoreJobs returns the UIDs of the restore Jobs and of their Pods by name.
func (c *restoredCluster) restoreJobs(ctx context.Context) map[string]types.UID {
	GinkgoHelper()
	jobs, err := c.targetEnv.RestoreJobs(ctx, c.name)
	Expect(err).NotTo(HaveOccurred())
	pods, err := c.targetEnv.RestorePods(ctx, c.name)
	Expect(err).NotTo(HaveOccurred())
	uids := map[string]types.UID{}
	for i := range jobs {
		uids[jobs[i].Name] = jobs[i].UID
	}
	for i := range pods {
		uids[pods[i].Name] = pods[i].UID
	}
	return uids
}
