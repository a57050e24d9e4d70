package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// ruleInTemplate is scenario (d).
func (e *testEnv) ruleInTemplate() {
	It("go on when the rule stands in an instance template", func(ctx SpecContext) {
		const source = "my2"
		e.backUp(ctx, fixture.Source{Name: source, InstanceTemplate: "hot", OnlyInTemplate: true}, backupOf(source))
		c := e.restore(ctx, source, "template")
		// In v0.9.3 and v1.0.0 the rule does not reach the restore Pods: all run, and then the database Pod hangs.
		if e.fixture.Version.TemplateRestores {
			e.expectStuck(ctx, c.name, 1)
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

// componentWithoutBackup is scenario (e). The component without a backup has no Restore: its database Pod hangs at once.
func (e *testEnv) componentWithoutBackup() {
	It("go on when one of two components has no backup", func(ctx SpecContext) {
		const source = "my3"
		e.backUp(ctx, fixture.Source{Name: source, Proxy: true}, backupOf(source))
		c := e.restore(ctx, source, "partly")
		e.expectAllStuck(ctx, c.name)
		// One, because each Pod waits for the one before it.
		_, err := e.fixture.WaitDatabasePodsUnschedulable(ctx, c.name, 1)
		Expect(err).NotTo(HaveOccurred())

		c.runRehome(ctx)

		c.expectRehomed(ctx)
		c.expectComponentSpread(ctx, "mysql")
		c.expectComponentSpread(ctx, "proxy")
	}, SpecTimeout(specTimeout))
}

// databasePodsStuck is scenario (f): the restore Pods found places that the database Pods do not have.
//
// v0.9.3 knows no OnDelete (see fixture.Source), and does not need it: it never replaces a Pod that is not healthy.
func (e *testEnv) databasePodsStuck() {
	It("go on when database Pods are stuck that KubeBlocks does not replace", func(ctx SpecContext) {
		const source = "my4"
		e.backUp(ctx, fixture.Source{Name: source, OnDelete: true, AllAtOnce: true}, backupOf(source))
		nodes := []string{}
		for _, name := range []string{"gone-1", "gone-2", "gone-3"} {
			node := fixture.OnePodNode(name)
			e.addNode(ctx, node)
			nodes = append(nodes, node.Name)
		}
		c := e.restore(ctx, source, "ondelete")
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
		// Nobody can change the rules of a Restore that is complete.
		c.expectOutcome(ctx, "True RestoreFinished: ")
		e.expectSpread(ctx, c.name)
	}, SpecTimeout(specTimeout))
}
