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
	// raceRestores are stuck at once, so that Rehome is still at work at the last crash.
	raceRestores = 10
	// raceTimeout bounds a spec in which leases have to expire.
	raceTimeout = 6 * time.Minute
	// stableTime is how long no object may change, so that the restores count as stable.
	stableTime = 5 * time.Second
	// Each crash comes after at most writesBeforeCrash writes by Rehome. It writes about ten times for a restore, and works on eight
	// restores at once.
	crashes           = 3
	writesBeforeCrash = 4
	writePolling      = 5 * time.Millisecond
	// leaseTimeout bounds the time until the next leader writes: the lease of a killed one has to expire.
	leaseTimeout = time.Minute
	// watchTimeout bounds the time until client-go watches again, after an API server was away.
	watchTimeout = 30 * time.Second
)

// races crash Rehome or the API server after a random number of writes, so that each run crashes between other steps.
func (e *testEnv) races() {
	It("is completed by the next leader when a leader is killed", func(ctx SpecContext) {
		stuck := e.restoreMany(ctx, "leader")
		writes := e.countWrites()
		leader := e.runRehome(ctx)
		for range crashes {
			standby := e.runRehome(ctx)
			e.waitForWrites(ctx, writes, leaseTimeout)
			writes = e.countWrites()
			By("killing the leader")
			Expect(leader.Kill()).To(Succeed())
			leader = standby
		}
		e.expectAllRehomed(ctx, stuck, reportTimeout)
	}, SpecTimeout(raceTimeout))

	It("is completed when the API server is restarted", Label("nightly"), func(ctx SpecContext) {
		stuck := e.restoreMany(ctx, "apiserver")
		writes := e.countWrites()
		rehome := e.runRehome(ctx)
		for range crashes {
			e.waitForWrites(ctx, writes, leaseTimeout+watchTimeout)
			writes = e.countWrites() // before the restart: Rehome writes again before that returns
			By("restarting the API server")
			Expect(e.controlPlane.RestartAPIServer(ctx)).To(Succeed())
		}
		e.expectAllRehomed(ctx, stuck, reportTimeout+watchTimeout)
		Expect(rehome.Err()).NotTo(HaveOccurred(), "Rehome still runs")
	}, SpecTimeout(raceTimeout))
}

// countWrites returns a function that counts Rehome's writes from now on.
func (e *testEnv) countWrites() func() (int, error) {
	GinkgoHelper()
	writes, err := audit.CountWrites(e.controlPlane.AuditLog())
	Expect(err).NotTo(HaveOccurred())
	return writes
}

// waitForWrites returns when Rehome has written a random number of times.
func (e *testEnv) waitForWrites(ctx context.Context, writes func() (int, error), timeout time.Duration) {
	GinkgoHelper()
	count := 1 + rand.IntN(writesBeforeCrash)
	By(fmt.Sprintf("waiting for %d writes by Rehome", count))
	Eventually(writes).WithContext(ctx).WithPolling(writePolling).WithTimeout(timeout).Should(BeNumerically(">=", count))
}

// restoreMany restores a backup several times at once, and returns when all restores are stuck.
func (e *testEnv) restoreMany(ctx context.Context, prefix string) []*restoredCluster {
	GinkgoHelper()
	var stuck []*restoredCluster
	for i := range raceRestores {
		stuck = append(stuck, e.restore(ctx, plain, fmt.Sprintf("%s-%d", prefix, i)))
	}
	for _, c := range stuck {
		_, err := e.fixture.WaitRestorePodsUnschedulable(ctx, c.name, fixture.Replicas)
		Expect(err).NotTo(HaveOccurred())
		c.record(ctx)
	}
	return stuck
}

// expectAllRehomed expects that all restores finish, that Rehome then reports each of them in time, and that no object changes any more.
func (e *testEnv) expectAllRehomed(ctx context.Context, stuck []*restoredCluster, timeout time.Duration) {
	GinkgoHelper()
	for _, c := range stuck {
		c.expectRunning(ctx)
		c.expectOutcome(ctx, timeout, rehomed)
		c.expectSpread(ctx, fixture.Component)
	}
	By("waiting until no object changes")
	Expect(e.fixture.WaitStable(ctx, stableTime)).To(Succeed())
}
