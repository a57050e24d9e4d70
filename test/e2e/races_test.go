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
	// raceRestores are restores that hang together, so that there is something to do when the env is shaken.
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
	e := useTestEnv("v1.0.2", watched)
	BeforeAll(func(ctx SpecContext) {
		e.backUp(ctx, fixture.Source{Name: plain}, backupOf(plain))
	}, NodeTimeout(specTimeout))

	It("is completed by the next leader when a leader is killed", func(ctx SpecContext) {
		stuck := e.restoreMany(ctx, "leader")
		leader := e.runRehome(ctx)
		for range crashes {
			standby := e.runRehome(ctx)
			e.waitForWrites(ctx, 1+rand.IntN(writesBeforeCrash))
			By("killing the leader")
			Expect(leader.Kill()).To(Succeed())
			leader = standby
		}
		e.expectAllFinished(ctx, stuck)
	}, SpecTimeout(raceTimeout))

	It("is completed when the API server is restarted", func(ctx SpecContext) {
		stuck := e.restoreMany(ctx, "apiserver")
		rehome := e.runRehome(ctx)
		for range crashes {
			e.waitForWrites(ctx, 1+rand.IntN(writesBeforeCrash))
			By("restarting the API server")
			Expect(e.controlPlane.RestartAPIServer(ctx)).To(Succeed())
		}
		e.expectAllFinished(ctx, stuck)
		Expect(rehome.Err()).NotTo(HaveOccurred(), "Rehome lives through it")
	}, SpecTimeout(raceTimeout))
}, Label("races", "v1.0.2"), ContinueOnFailure)

// waitForWrites returns as soon as Rehome has written so many times more.
func (e *testEnv) waitForWrites(ctx context.Context, more int) {
	GinkgoHelper()
	before, err := audit.Writes(e.controlPlane.AuditLog())
	Expect(err).NotTo(HaveOccurred())
	By(fmt.Sprintf("waiting for %d writes by Rehome", more))
	Eventually(audit.Writes).WithContext(ctx).WithArguments(e.controlPlane.AuditLog()).
		WithPolling(writePolling).WithTimeout(leaseTimeout).Should(BeNumerically(">=", before+more))
}

// restoreMany restores a backup several times at once, and returns when all restores hang.
func (e *testEnv) restoreMany(ctx context.Context, prefix string) []*restoredCluster {
	GinkgoHelper()
	var stuck []*restoredCluster
	for i := range raceRestores {
		stuck = append(stuck, e.restore(ctx, plain, fmt.Sprintf("%s-%d", prefix, i)))
	}
	for _, c := range stuck {
		_, err := e.fixture.WaitRestorePodsUnschedulable(ctx, c.name, fixture.Replicas)
		Expect(err).NotTo(HaveOccurred())
		c.remember(ctx)
	}
	return stuck
}

// expectAllFinished expects that all restores get to their end, and that then everything comes to rest.
func (e *testEnv) expectAllFinished(ctx context.Context, stuck []*restoredCluster) {
	GinkgoHelper()
	for _, c := range stuck {
		c.expectRehomed(ctx)
		e.expectSpread(ctx, c.name)
	}
	By("waiting until nothing changes any more")
	Expect(e.fixture.WaitStable(ctx, quietTime)).To(Succeed())
}
