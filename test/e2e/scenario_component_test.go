package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// ruleInTemplate is scenario (d).
func (s *stage) ruleInTemplate() {
	It("go on when the rule stands in an instance template", func(ctx SpecContext) {
		const source = "my2"
		s.backUp(ctx, fixture.Source{Name: source, InstanceTemplate: "hot", OnlyInTemplate: true}, backupOf(source))
		t := s.restore(ctx, source, "template")
		// In v0.9.3 and v1.0.0 the rule does not reach the restore Pods: all run, and then the database Pod hangs.
		if s.world.Version.TemplateRestores {
			s.expectHang(ctx, t.name, 1)
		} else {
			_, err := s.world.WaitDatabaseHung(ctx, t.name, 1)
			Expect(err).NotTo(HaveOccurred())
		}

		t.runRehome(ctx)

		t.expectCured(ctx)
		pods, err := s.world.DatabasePods(ctx, t.name)
		Expect(err).NotTo(HaveOccurred())
		Expect(pods).To(HaveLen(fixture.Replicas))
	}, SpecTimeout(specTimeout))
}

// componentWithoutBackup is scenario (e). The component without a backup has no Restore: its database Pod hangs at once.
func (s *stage) componentWithoutBackup() {
	It("go on when one of two components has no backup", func(ctx SpecContext) {
		const source = "my3"
		s.backUp(ctx, fixture.Source{Name: source, Proxy: true}, backupOf(source))
		t := s.restore(ctx, source, "partly")
		s.expectWholeHang(ctx, t.name)
		// One, because each Pod waits for the one before it.
		_, err := s.world.WaitDatabaseHung(ctx, t.name, 1)
		Expect(err).NotTo(HaveOccurred())

		t.runRehome(ctx)

		t.expectCured(ctx)
		t.expectComponentSpread(ctx, "mysql")
		t.expectComponentSpread(ctx, "proxy")
	}, SpecTimeout(specTimeout))
}

// databaseStuck is scenario (f): the restore Pods found places that the database Pods do not have.
//
// v0.9.3 knows no OnDelete (see fixture.Source), and does not need it: it never replaces a Pod that is not healthy.
func (s *stage) databaseStuck() {
	It("go on when database Pods are stuck that KubeBlocks does not replace", func(ctx SpecContext) {
		const source = "my4"
		s.backUp(ctx, fixture.Source{Name: source, OnDelete: true, AllAtOnce: true}, backupOf(source))
		nodes := []string{}
		for _, name := range []string{"gone-1", "gone-2", "gone-3"} {
			node := fixture.OnePodNode(name)
			s.addNode(ctx, node)
			nodes = append(nodes, node.Name)
		}
		t := s.restore(ctx, source, "ondelete")
		started, err := s.world.WaitStarted(ctx, t.name, fixture.Replicas)
		Expect(err).NotTo(HaveOccurred())
		for _, node := range nodes {
			Expect(s.world.Cordon(ctx, node)).To(Succeed())
		}
		for i := range started {
			Expect(s.world.Finish(ctx, &started[i])).To(Succeed())
		}
		_, err = s.world.WaitDatabaseHung(ctx, t.name, fixture.Replicas)
		Expect(err).NotTo(HaveOccurred())

		t.runRehome(ctx)

		t.expectRunning(ctx)
		// Nobody can change the rules of a Restore that is complete.
		t.expectOutcome(ctx, "True RestoreFinished: ")
		s.expectSpread(ctx, t.name)
	}, SpecTimeout(specTimeout))
}
