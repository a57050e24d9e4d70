package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// serial is scenario (c): KubeBlocks creates one Job after another.
func (e *testEnv) serial() {
	It("go on when the first of serial Jobs is stuck", func(ctx SpecContext) {
		c := e.restoreInto(ctx, e.fixture, plain, fixture.Request{Backup: backupOf(plain), Cluster: "serial", Serial: true})
		e.expectStuck(ctx, c.name, 1)
		Expect(e.fixture.RestorePods(ctx, c.name)).To(HaveLen(1))

		c.runRehome(ctx)

		c.expectRehomed(ctx)
		e.expectSpread(ctx, c.name)
	}, SpecTimeout(specTimeout))

	// KubeBlocks deletes each Job that is done: that something started stands only in the status of the Restore.
	It("go on when the second of serial Jobs is stuck", func(ctx SpecContext) {
		node := fixture.OnePodNode("serial")
		e.addNode(ctx, node)
		c := e.restoreInto(ctx, e.fixture, plain, fixture.Request{Backup: backupOf(plain), Cluster: "second", Serial: true})
		first, err := e.fixture.WaitRestorePodsRunning(ctx, c.name, 1)
		Expect(err).NotTo(HaveOccurred())
		Expect(e.fixture.Cordon(ctx, node.Name)).To(Succeed())
		Expect(e.fixture.Finish(ctx, &first[0])).To(Succeed())
		e.expectStuck(ctx, c.name, 1)

		c.runRehome(ctx)

		c.expectRehomed(ctx)
		e.expectSpread(ctx, c.name)
		job := first[0].OwnerReferences[0]
		Expect(e.auditLog().Jobs(first[0].Namespace, job.Name)).To(HaveLen(1), "the first volume was not restored again")
	}, SpecTimeout(specTimeout))
}
