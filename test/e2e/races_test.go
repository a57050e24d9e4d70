package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/audit"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

const (
	// raceRestores are restores that hang together, so that there is something to do when the world is shaken.
	raceRestores = 10
	// raceTimeout bounds a spec in which leases have to expire.
	raceTimeout = 6 * time.Minute
	// quietTime is how long everything must stay as it is, to have come to rest.
	quietTime = 5 * time.Second
	// crashes happen while Rehome unblocks the restores, each after at most writesBeforeCrash of its writes. It writes
	// about ten times for a restore and works on eight at once, so that all crashes find it at work.
	crashes           = 3
	writesBeforeCrash = 4
	writePolling      = 5 * time.Millisecond
	// leaseTimeout bounds the time until another leader writes: the lease of one that was killed has to expire.
	leaseTimeout = time.Minute
)

// The moments of a crash are counted in what Rehome has written, so that they fall between one step and the next: which one is
// left to chance.
var _ = inEachMode("A remediation by Rehome", func(watched []string) {
	s := useStage("v1.0.2", watched)
	BeforeAll(func(ctx SpecContext) {
		s.backUp(ctx, fixture.Source{Name: plain}, backupOf(plain))
	}, NodeTimeout(specTimeout))

	It("is completed by the next leader when a leader is killed", func(ctx SpecContext) {
		hung := s.restoreMany(ctx, "leader")
		leader := s.runRehome(ctx)
		for range crashes {
			standby := s.runRehome(ctx)
			s.waitForWrites(ctx, 1+rand.IntN(writesBeforeCrash))
			By("killing the leader")
			Expect(leader.Kill()).To(Succeed())
			leader = standby
		}
		s.expectAllCured(ctx, hung)
	}, SpecTimeout(raceTimeout))

	It("is completed when the API server is restarted", func(ctx SpecContext) {
		hung := s.restoreMany(ctx, "apiserver")
		rehome := s.runRehome(ctx)
		for range crashes {
			s.waitForWrites(ctx, 1+rand.IntN(writesBeforeCrash))
			By("restarting the API server")
			Expect(s.controlPlane.RestartAPIServer(ctx)).To(Succeed())
		}
		s.expectAllCured(ctx, hung)
		Expect(rehome.Err()).NotTo(HaveOccurred(), "Rehome lives through it")
	}, SpecTimeout(raceTimeout))
}, Label("races", "v1.0.2"), ContinueOnFailure)

// waitForWrites returns as soon as Rehome has written so many times more.
func (s *stage) waitForWrites(ctx context.Context, more int) {
	GinkgoHelper()
	before, err := audit.Writes(s.controlPlane.AuditLog())
	Expect(err).NotTo(HaveOccurred())
	By(fmt.Sprintf("waiting for %d writes by Rehome", more))
	Eventually(audit.Writes).WithContext(ctx).WithArguments(s.controlPlane.AuditLog()).
		WithPolling(writePolling).WithTimeout(leaseTimeout).Should(BeNumerically(">=", before+more))
}

// restoreMany restores a backup several times at once, and returns when all restores hang.
func (s *stage) restoreMany(ctx context.Context, prefix string) []*trouble {
	GinkgoHelper()
	var hung []*trouble
	for i := range raceRestores {
		hung = append(hung, s.restore(ctx, plain, fmt.Sprintf("%s-%d", prefix, i)))
	}
	for _, t := range hung {
		_, err := s.world.WaitHung(ctx, t.name, fixture.Replicas)
		Expect(err).NotTo(HaveOccurred())
		t.remember(ctx)
	}
	return hung
}

// expectAllCured expects that all restores get to their end, and that then everything comes to rest.
func (s *stage) expectAllCured(ctx context.Context, hung []*trouble) {
	GinkgoHelper()
	for _, t := range hung {
		t.expectCured(ctx)
		s.expectSpread(ctx, t.name)
	}
	By("waiting until nothing changes any more")
	Expect(s.world.WaitStill(ctx, quietTime)).To(Succeed())
}
