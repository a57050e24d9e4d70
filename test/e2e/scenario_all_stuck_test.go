package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// allStuck is also the proof of the defect: without Rehome, no restore Pod finds a node.
func (e *testEnv) allStuck() {
	It("unblocks a restore whose Jobs are all stuck", func(ctx SpecContext) {
		c := e.restore(ctx, plain, "all")
		c.expectAllStuck(ctx)

		c.runRehome(ctx)

		c.expectRunning(ctx)
		c.expectConditionPutBack(ctx)
		c.expectOutcome(ctx, reportTimeout, rehomed)
		c.expectSpread(ctx, fixture.Component)
	}, SpecTimeout(specTimeout))
}

// podDeletedByHand deletes one restore Pod. Its Job counts that as a failure, and a second one would end the restore.
func (e *testEnv) podDeletedByHand() {
	It("unblocks a restore after somebody deleted one of its Pods", func(ctx SpecContext) {
		c := e.restore(ctx, plain, "helped")
		c.expectAllStuck(ctx)
		By("deleting a restore Pod")
		pods, err := e.fixture.RestorePods(ctx, c.name)
		Expect(err).NotTo(HaveOccurred())
		Expect(e.fixture.DeletePod(ctx, &pods[0])).To(Succeed())
		Expect(e.fixture.WaitFailedPod(ctx, c.name)).To(Succeed())
		c.expectStuck(ctx, fixture.Replicas)

		c.runRehome(ctx)

		c.expectRehomed(ctx)
		c.expectSpread(ctx, fixture.Component)
	}, SpecTimeout(specTimeout))
}

// inOtherNamespace restores rules that list the source's namespace. Without the list, they would select nothing in the other namespace,
// and nothing would be stuck.
func (e *testEnv) inOtherNamespace() {
	It("unblocks a restore into another namespace", func(ctx SpecContext) {
		source := namespacesSource()
		e.backUp(ctx, source, backupOf(source.Name))
		other, err := e.fixture.In(ctx, otherNamespace)
		Expect(err).NotTo(HaveOccurred())
		c := e.restoreInto(ctx, other, source.Name, fixture.Request{Backup: backupOf(source.Name), Cluster: "moved", From: e.fixture})
		_, err = other.WaitRestorePodsUnschedulable(ctx, c.name, fixture.Replicas)
		Expect(err).NotTo(HaveOccurred())
		c.expectExplained(ctx, restorePods, staleRule)

		c.runRehome(ctx)

		c.expectRehomed(ctx)
		c.expectSpread(ctx, fixture.Component)
	}, SpecTimeout(specTimeout))
}
