package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

func (e *testEnv) ruleInTemplate() {
	It("unblocks a restore whose stale rule is in an instance template", func(ctx SpecContext) {
		source := ruleInTemplateSource()
		e.backUp(ctx, source, backupOf(source.Name))
		c := e.restore(ctx, source.Name, "template")
		// In v0.9.3 and v1.0.0 restore Pods do not have the rule: they all run, and then the database Pod is stuck.
		if e.version.TemplateRestores {
			c.expectStuck(ctx, 1)
		} else {
			_, err := e.fixture.WaitDatabasePodsUnschedulable(ctx, c.name, 1)
			Expect(err).NotTo(HaveOccurred())
		}

		c.runRehome(ctx)

		c.expectRehomed(ctx)
		pods, err := e.fixture.DatabasePods(ctx, c.name)
		Expect(err).NotTo(HaveOccurred())
		Expect(pods).To(HaveLen(fixture.Replicas))
	}, SpecTimeout(specTimeout))
}

// componentWithoutBackup: the component without a backup has no Restore, so its database Pod is stuck from the start.
func (e *testEnv) componentWithoutBackup() {
	It("unblocks a restore of two components, one without a backup", func(ctx SpecContext) {
		source := proxySource()
		e.backUp(ctx, source, backupOf(source.Name))
		c := e.restore(ctx, source.Name, "partly")
		c.expectAllStuck(ctx)
		// One, because KubeBlocks creates the next Pod when the one before it is ready.
		_, err := e.fixture.WaitDatabasePodsUnschedulable(ctx, c.name, 1)
		Expect(err).NotTo(HaveOccurred())

		c.runRehome(ctx)

		c.expectRehomed(ctx)
		c.expectSpread(ctx, fixture.Component)
		c.expectSpread(ctx, fixture.Proxy)
	}, SpecTimeout(specTimeout))
}

// databasePodsStuck: the restore Pods ran on nodes that are cordoned when the database Pods are created.
//
// v0.9.3 has no strategy OnDelete and needs none here: it never replaces a Pod that is not healthy.
func (e *testEnv) databasePodsStuck() {
	It("unblocks a restore with stuck database Pods that KubeBlocks does not replace", func(ctx SpecContext) {
		source := onDeleteSource()
		e.backUp(ctx, source, backupOf(source.Name))
		nodes := []string{}
		for _, name := range []string{"gone-1", "gone-2", "gone-3"} {
			node := fixture.OnePodNode(name)
			e.addNode(ctx, node)
			nodes = append(nodes, node.Name)
		}
		c := e.restore(ctx, source.Name, "ondelete")
		started, err := e.fixture.WaitRestorePodsRunning(ctx, c.name, fixture.Replicas)
		Expect(err).NotTo(HaveOccurred())
		for _, node := range nodes {
			Expect(e.fixture.Cordon(ctx, node)).To(Succeed())
		}
		for i := range started {
			Expect(e.fixture.Finish(ctx, &started[i])).To(Succeed())
		}
		_, err = e.fixture.WaitDatabasePodsUnschedulable(ctx, c.name, fixture.Replicas)
		Expect(err).NotTo(HaveOccurred())

		c.runRehome(ctx)

		c.expectRunning(ctx)
		c.expectOutcome(ctx, "True RestoreFinished: ") // the rules of a completed Restore are immutable
		c.expectSpread(ctx, fixture.Component)
	}, SpecTimeout(specTimeout))
}
