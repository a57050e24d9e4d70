package e2e

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// opsRequest restores as kbcli does. From 1.0 on, KubeBlocks rewrites the rules of components on this path, but not those of instance
// templates.
func (e *testEnv) opsRequest() {
	It("unblocks a restore by OpsRequest", func(ctx SpecContext) {
		source := e.opsRequestSource()
		if source.Name != plain {
			e.backUp(ctx, source, backupOf(source.Name))
		}
		c := e.restoreInto(ctx, e.fixture, source.Name, fixture.Request{Backup: backupOf(source.Name), Cluster: "ops", ByOpsRequest: true})
		if e.version.RewritesOpsRequest {
			c.expectTemplateStuck(ctx)
		} else {
			c.expectAllStuck(ctx)
		}

		c.runRehome(ctx)

		c.expectRunning(ctx)
		c.expectConditionPutBack(ctx)
		c.expectOutcome(ctx, "True Rehomed: ")
		c.expectSpread(ctx, fixture.Component)
	}, SpecTimeout(specTimeout))
}

// expectTemplateStuck expects that the replica of the instance template hot is stuck, and no other.
func (c *restoredCluster) expectTemplateStuck(ctx context.Context) {
	GinkgoHelper()
	pod := c.name + "-mysql-hot-0"
	if !c.version.TemplateRestores {
		stuck, err := c.fixture.WaitDatabasePodsUnschedulable(ctx, c.name, 1)
		Expect(err).NotTo(HaveOccurred())
		Expect(stuck).To(HaveKey(pod))
		c.expectExplained(ctx, databasePods, staleRule)
		return
	}
	c.expectStuck(ctx, 1)
	Expect(c.fixture.RestorePods(ctx, c.name)).To(ContainElement(And(
		HaveField("Labels", HaveKeyWithValue("apps.kubeblocks.io/pod-name", pod)),
		HaveField("Spec.NodeName", BeEmpty()))))
}
