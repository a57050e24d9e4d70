package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// whollyStuck is scenario (a).
func (s *stage) whollyStuck() {
	It("go on when all Jobs are stuck", func(ctx SpecContext) {
		t := s.restore(ctx, plain, "whole")
		s.expectWholeHang(ctx, t.name)

		t.runRehome(ctx)

		t.expectCured(ctx)
		s.expectSpread(ctx, t.name)
	}, SpecTimeout(specTimeout))
}

// helpedByHand is scenario (h): a restore Pod was deleted, which its Job counts as a failure. The next deletion would be the
// end of the restore.
func (s *stage) helpedByHand() {
	It("go on after somebody deleted a Pod of them", func(ctx SpecContext) {
		t := s.restore(ctx, plain, "helped")
		s.expectWholeHang(ctx, t.name)
		By("deleting a restore Pod")
		pods, err := s.world.RestorePods(ctx, t.name)
		Expect(err).NotTo(HaveOccurred())
		Expect(s.world.DeletePod(ctx, &pods[0])).To(Succeed())
		Expect(s.world.WaitFailedPod(ctx, t.name)).To(Succeed())
		s.expectHang(ctx, t.name, fixture.Replicas)

		t.runRehome(ctx)

		t.expectCured(ctx)
		s.expectSpread(ctx, t.name)
	}, SpecTimeout(specTimeout))
}

// elsewhere is scenario (g). A rule without namespaces would select nothing in another namespace and so hold up nothing:
// only one that names the source's namespace hangs.
func (s *stage) elsewhere() {
	It("go on in another namespace", func(ctx SpecContext) {
		const source = "my5"
		s.backUp(ctx, fixture.Source{Name: source, Namespaces: []string{s.world.Namespace}}, backupOf(source))
		other, err := s.world.In(ctx, "elsewhere")
		Expect(err).NotTo(HaveOccurred())
		t := s.restoreInto(ctx, other, source, fixture.Request{Backup: backupOf(source), Cluster: "moved", From: s.world})
		_, err = other.WaitHung(ctx, t.name, fixture.Replicas)
		Expect(err).NotTo(HaveOccurred())

		t.runRehome(ctx)

		t.expectCured(ctx)
		t.expectComponentSpread(ctx, "mysql")
	}, SpecTimeout(specTimeout))
}
