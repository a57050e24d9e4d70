package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// serial is scenario (c): KubeBlocks creates one Job after another.
func (s *stage) serial() {
	It("go on when the first of serial Jobs is stuck", func(ctx SpecContext) {
		t := s.restoreInto(ctx, s.world, plain, fixture.Request{Backup: backupOf(plain), Cluster: "serial", Serial: true})
		s.expectHang(ctx, t.name, 1)
		Expect(s.world.RestorePods(ctx, t.name)).To(HaveLen(1))

		t.runRehome(ctx)

		t.expectCured(ctx)
		s.expectSpread(ctx, t.name)
	}, SpecTimeout(specTimeout))

	// KubeBlocks deletes each Job that is done: that something started stands only in the status of the Restore.
	It("go on when the second of serial Jobs is stuck", func(ctx SpecContext) {
		node := fixture.OnePodNode("serial")
		s.addNode(ctx, node)
		t := s.restoreInto(ctx, s.world, plain, fixture.Request{Backup: backupOf(plain), Cluster: "second", Serial: true})
		first, err := s.world.WaitStarted(ctx, t.name, 1)
		Expect(err).NotTo(HaveOccurred())
		Expect(s.world.Cordon(ctx, node.Name)).To(Succeed())
		Expect(s.world.Finish(ctx, &first[0])).To(Succeed())
		s.expectHang(ctx, t.name, 1)

		t.runRehome(ctx)

		t.expectCured(ctx)
		s.expectSpread(ctx, t.name)
		job := first[0].OwnerReferences[0]
		Expect(s.auditLog().Jobs(first[0].Namespace, job.Name)).To(HaveLen(1), "the first volume was not restored again")
	}, SpecTimeout(specTimeout))
}
