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

// earlyRestores is the number of restores that begin while Rehome runs.
const earlyRestores = 5

// lostSpread: a stale rule keeps restore Pods from the Pods of the source, not from each other. So they all run on one free node, and
// their volumes are there. Nothing is stuck, and nothing is spread.
func (e *testEnv) lostSpread() {
	It("reports that a running restore has lost its spread", func(ctx SpecContext) {
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
		c.expectTrueReport(ctx, node.Name)
	}, SpecTimeout(specTimeout))

	It("reports that a finished restore has lost its spread", func(ctx SpecContext) {
		node := fixture.FreeNode("free")
		e.addNode(ctx, node)
		c := e.restore(ctx, plain, "after")
		Expect(e.fixture.WaitRunning(ctx, c.name)).To(Succeed())
		before, err := e.fixture.Fingerprint(ctx, c.name)
		Expect(err).NotTo(HaveOccurred())

		c.runRehome(ctx)

		c.expectSpreadLost(ctx, node.Name)
		c.expectRunning(ctx)
		Expect(e.fixture.Fingerprint(ctx, c.name)).To(Equal(before), "Rehome does not change a running database")
	}, SpecTimeout(specTimeout))
}

// keptSpread restores beside a free node while Rehome runs. A rule that is rewritten while Pods follow the stale one could leave a
// database Pod no node: every restore must run. Volumes that are tied to the free node lose the spread, as they do without Rehome.
func (e *testEnv) keptSpread() {
	It("lets every restore beside a free node run, and reports whether its Pods are spread", func(ctx SpecContext) {
		node := fixture.FreeNode("open")
		e.addNode(ctx, node)
		e.runRehome(ctx)
		outcomes := map[string]int{}
		for i := range earlyRestores {
			c := e.restore(ctx, plain, fmt.Sprintf("early-%d", i))
			c.before = c.sourceState(ctx)
			c.expectRunning(ctx)
			outcomes[c.expectTrueReport(ctx, node.Name)]++
		}
		AddReportEntry("Outcomes", fmt.Sprintf("of %d restores: %v", earlyRestores, outcomes))
	}, SpecTimeout(2*specTimeout))
}

// expectTrueReport expects that Rehome's report on a running restore is true, and returns its reason: either every replica has a node of
// its own, or the spread is lost and the report names the volumes. RestoreFinished also means spread after a late start: the volumes here
// are not bound to a node, so the database Pods can still be spread.
func (c *restoredCluster) expectTrueReport(ctx context.Context, node string) (reason string) {
	GinkgoHelper()
	spread := Or(HavePrefix("True Rehomed: "), HavePrefix("True RestoreFinished: "))
	c.expectConditions(ctx, reportTimeout, HaveKeyWithValue(policyRehomed, Or(spread, HavePrefix("False SpreadLost: "))))
	conditions, err := c.conditions(ctx)
	Expect(err).NotTo(HaveOccurred())
	status, rest, _ := strings.Cut(conditions[0][policyRehomed], " ")
	if status == "True" {
		c.expectSpread(ctx, fixture.Component)
	} else {
		c.expectSpreadLost(ctx, node)
	}
	reason, _, _ = strings.Cut(rest, ":")
	return reason
}

// expectSpreadLost expects that Rehome reports the node, and the volumes on it.
func (c *restoredCluster) expectSpreadLost(ctx context.Context, node string) {
	GinkgoHelper()
	report := And(HavePrefix("False SpreadLost: "), ContainSubstring(node))
	for i := range fixture.Replicas {
		report = And(report, ContainSubstring(fmt.Sprintf("data-%s-mysql-%d", c.name, i)))
	}
	c.expectConditions(ctx, reportTimeout, HaveKeyWithValue(policyRehomed, report))
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
