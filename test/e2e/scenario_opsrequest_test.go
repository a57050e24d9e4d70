package e2e

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/placement"
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
		refused := e.version.RewritesOpsRequest && e.tiesTemplates() && c.templateSharesItsPlace(ctx)
		switch {
		case refused:
			c.expectExplained(ctx, databasePods, explainedCause{Kind: placement.CauseSeveral})
		case e.version.RewritesOpsRequest:
			c.expectTemplateStuck(ctx)
		default:
			c.expectAllStuck(ctx)
		}

		c.runRehome(ctx)

		if refused {
			c.expectRefused(ctx)
			return
		}
		c.expectRunning(ctx)
		c.expectConditionPutBack(ctx)
		c.expectOutcome(ctx, reportTimeout, rehomed)
		c.expectSpread(ctx, fixture.Component)
	}, SpecTimeout(specTimeout))
}

// expectTemplateStuck expects that the replica of the instance template hot is stuck, and no other.
func (c *restoredCluster) expectTemplateStuck(ctx context.Context) {
	GinkgoHelper()
	pod := c.name + "-mysql-hot-0"
	if !c.version.TemplateRestores {
		c.expectTemplatePodStuck(ctx)
		c.expectExplained(ctx, databasePods, staleRule)
		return
	}
	c.expectStuck(ctx, 1)
	Expect(c.fixture.RestorePods(ctx, c.name)).To(ContainElement(And(
		HaveField("Labels", HaveKeyWithValue("apps.kubeblocks.io/pod-name", pod)),
		HaveField("Spec.NodeName", BeEmpty()))))
}

// expectTemplatePodStuck expects that the database Pod of the instance template hot is stuck, and no other.
func (c *restoredCluster) expectTemplatePodStuck(ctx context.Context) {
	GinkgoHelper()
	stuck, err := c.fixture.WaitDatabasePodsUnschedulable(ctx, c.name, 1)
	Expect(err).NotTo(HaveOccurred())
	Expect(stuck).To(HaveKey(c.name + "-mysql-hot-0"))
}

// tiesTemplates says that restore Pods, which lack the rules of an instance template, tie its volumes to places. A volume can then lie in
// the place of another one, where no rule that keeps their Pods apart can be met.
func (e *testEnv) tiesTemplates() bool { return !e.version.TemplateRestores && e.tied() }

// templateSharesItsPlace waits for the stuck Pod of the instance template hot, and reports whether its volume shares its place.
func (c *restoredCluster) templateSharesItsPlace(ctx context.Context) bool {
	GinkgoHelper()
	c.expectTemplatePodStuck(ctx)
	return c.sharesItsPlace(ctx, "data-"+c.name+"-mysql-hot-0")
}

// expectRefused expects that Rehome changes no rule, because the volumes do not admit it. It deletes the cluster.
func (c *restoredCluster) expectRefused(ctx context.Context) {
	GinkgoHelper()
	c.expectConditions(ctx, reportTimeout, HaveKeyWithValue(policyRehomed, HavePrefix("False VolumesBound: ")))
	Expect(c.fixture.DeleteCluster(ctx, c.name)).To(Succeed(), "or its Pods take the nodes that later specs add")
}
