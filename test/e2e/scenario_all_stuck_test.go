package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// allStuck is scenario (a).
func (e *testEnv) allStuck() {
	It("go on when all Jobs are stuck", func(ctx SpecContext) {
		c := e.restore(ctx, plain, "whole")
		e.expectAllStuck(ctx, c.name)

		c.runRehome(ctx)

		c.expectRehomed(ctx)
		e.expectSpread(ctx, c.name)
	}, SpecTimeout(specTimeout))
}

// podDeletedByHand is scenario (h): a restore Pod was deleted, which its Job counts as a failure. The next deletion would be the
// end of the restore.
func (e *testEnv) podDeletedByHand() {
	It("go on after somebody deleted a Pod of them", func(ctx SpecContext) {
		c := e.restore(ctx, plain, "helped")
		e.expectAllStuck(ctx, c.name)
		By("deleting a restore Pod")
		pods, err := e.fixture.RestorePods(ctx, c.name)
		Expect(err).NotTo(HaveOccurred())
		Expect(e.fixture.DeletePod(ctx, &pods[0])).To(Succeed())
		Expect(e.fixture.WaitFailedPod(ctx, c.name)).To(Succeed())
		e.expectStuck(ctx, c.name, fixture.Replicas)

		c.runRehome(ctx)

		c.expectRehomed(ctx)
		e.expectSpread(ctx, c.name)
	}, SpecTimeout(specTimeout))
}

// elsewhere is scenario (g). A rule without namespaces would select nothing in another namespace and so hold up nothing:
// only one that names the source's namespace hangs.
func (e *testEnv) otherNamespace() {
	It("go on in another namespace", func(ctx SpecContext) {
		const source = "my5"
		e.backUp(ctx, fixture.Source{Name: source, Namespaces: []string{e.fixture.Namespace}}, backupOf(source))
		other, err := e.fixture.In(ctx, "elsewhere")
		Expect(err).NotTo(HaveOccurred())
		c := e.restoreInto(ctx, other, source, fixture.Request{Backup: backupOf(source), Cluster: "moved", From: e.fixture})
		_, err = other.WaitRestorePodsUnschedulable(ctx, c.name, fixture.Replicas)
		Expect(err).NotTo(HaveOccurred())

		c.runRehome(ctx)

		c.expectRehomed(ctx)
		c.expectComponentSpread(ctx, "mysql")
	}, SpecTimeout(specTimeout))
}
