package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// serial restores with volumeRestorePolicy Serial: KubeBlocks creates the next Job when the one before it is done.
func (e *testEnv) serial() {
	It("unblocks a restore whose first serial Job is stuck", func(ctx SpecContext) {
		c := e.restoreInto(ctx, e.fixture, plain, fixture.Request{Backup: backupOf(plain), Cluster: "serial", Serial: true})
		c.expectStuck(ctx, 1)
		Expect(e.fixture.RestorePods(ctx, c.name)).To(HaveLen(1))

		c.runRehome(ctx)

		Expect(e.fixture.WaitRestored(ctx, c.name)).To(Succeed())
		if c.sharesPlaces(ctx) {
			// No Job keeps off the volume of an earlier one, whose Pod is gone.
			Eventually(c.rehomingReady).WithContext(ctx).WithTimeout(reportTimeout).Should(HavePrefix("False Unschedulable: "))
			Expect(e.fixture.DeleteCluster(ctx, c.name)).To(Succeed(), "or its Pods take the nodes that later specs add")
			return
		}
		c.expectRehomed(ctx)
		c.expectSpread(ctx, fixture.Component)
	}, SpecTimeout(specTimeout))

	// KubeBlocks deletes each Job that is done. Only the status of the Restore still says that it started.
	It("unblocks a restore whose second serial Job is stuck", func(ctx SpecContext) {
		node := fixture.OnePodNode("serial")
		e.addNode(ctx, node)
		c := e.restoreInto(ctx, e.fixture, plain, fixture.Request{Backup: backupOf(plain), Cluster: "second", Serial: true})
		first, err := e.fixture.WaitRestorePodsRunning(ctx, c.name, 1)
		Expect(err).NotTo(HaveOccurred())
		Expect(e.fixture.Cordon(ctx, node.Name)).To(Succeed())
		Expect(e.fixture.Finish(ctx, &first[0])).To(Succeed())
		c.expectStuck(ctx, 1)

		c.runRehome(ctx)

		if c.tied() {
			// Nothing keeps the third Job off the volume of the second.
			c.expectConditions(ctx, reportTimeout, HaveKeyWithValue(policyRehomed, HavePrefix("False VolumesBound: ")))
			c.expectStuck(ctx, 1)
			Expect(e.fixture.DeleteCluster(ctx, c.name)).To(Succeed(), "or its Pods take the nodes that later specs add")
			return
		}
		c.expectRehomed(ctx)
		c.expectSpread(ctx, fixture.Component)
		job := first[0].OwnerReferences[0]
		Expect(e.auditLog().Jobs(first[0].Namespace, job.Name)).To(HaveLen(1), "the Job of the first volume was created once")
	}, SpecTimeout(specTimeout))
}
