package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// load is how many Restores are stuck at once: more than the token bucket holds.
const load = 60

// loadTest is an API server in memory with many restored Clusters, and one manager that reconciles one after another.
type loadTest struct {
	*faultRun
	clusters []*stuckCluster
}

// stuckCluster is a Cluster of a load test.
type stuckCluster struct {
	name           string
	fakeKubeBlocks *fakeKubeBlocks
	// due is when the manager reconciles it again; zero for not before an event.
	due time.Time
}

func newLoadTest() *loadTest {
	GinkgoHelper()
	run, _ := newMemoryRun(rehometesting.V10())
	s := &loadTest{faultRun: run}
	s.fakeKubeBlocks.nodes = []node{{"node1", load}, {"node2", load}}
	s.backedUp(source)
	s.fakeKubeBlocks.read()
	for i := range load {
		name := fmt.Sprintf("carrot%03d", i)
		s.clusters = append(s.clusters, &stuckCluster{name: name, fakeKubeBlocks: s.newFakeKubeBlocks(name), due: s.clock.Now()})
	}
	inParallel(s.clusters, s.createStuck)
	return s
}

// createStuck creates a Cluster whose rules are rewritten, and whose Restore has stale ones.
func (s *loadTest) createStuck(c *stuckCluster) {
	GinkgoHelper()
	c.fakeKubeBlocks.nodes, c.fakeKubeBlocks.jobs, c.fakeKubeBlocks.quick, c.fakeKubeBlocks.others = s.fakeKubeBlocks.nodes, 1, true, s.fakeKubeBlocks.others
	cluster := s.cluster(c.name, c.name).RestoredFrom("mysql", backup).Obj()
	s.create(cluster)
	_, restore := s.restoring(cluster, "mysql", rehometesting.Apart(c.name), rehometesting.Apart(source))
	s.mergeStatus(restore, `{"status":{"phase":"Running"}}`)
	job := rehometesting.MakeJob(restore, fmt.Sprintf("restore-preparedata-%.8s-%s-0", restore.GetUID(), backup)).Obj()
	s.create(job)
	s.create(rehometesting.MakeRestorePod(restore, job.Name+"-x7k2p").Of(job).
		Unschedulable("0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.").Obj())
}

// reconcileFor reconciles for a while, in each second what is due. KubeBlocks acts where a Restore was deleted.
func (s *loadTest) reconcileFor(seconds int) {
	GinkgoHelper()
	for range seconds {
		for _, c := range s.clusters {
			if !c.due.IsZero() && !c.due.After(s.clock.Now()) {
				s.reconcileDue(c)
			}
		}
		s.clock.Step(time.Second)
	}
}

func (s *loadTest) reconcileDue(c *stuckCluster) {
	GinkgoHelper()
	s.writes, s.own = nil, nil
	result, err := s.reconciler.Reconcile(logf.IntoContext(s.ctx, logr.Discard()), s.request(c))
	Expect(err).NotTo(HaveOccurred())
	c.due = time.Time{}
	if result.RequeueAfter > 0 {
		c.due = s.clock.Now().Add(result.RequeueAfter)
	}
	if slices.Contains(s.writes, "delete Restore "+c.name+"-mysql-preparedata") {
		c.fakeKubeBlocks.step()
	}
}

func (s *loadTest) request(c *stuckCluster) ctrl.Request {
	return ctrl.Request{NamespacedName: types.NamespacedName{Namespace: s.namespace, Name: c.name}}
}

// maxAtOnce returns the maximum of Clusters that are due in the same second.
func (s *loadTest) maxAtOnce() int {
	at := map[time.Time]int{}
	maximum := 0
	for _, c := range s.clusters {
		if !c.due.IsZero() {
			second := c.due.Truncate(time.Second)
			at[second]++
			maximum = max(maximum, at[second])
		}
	}
	return maximum
}

// attemptTimes returns the times of all attempts in the histories, in order.
func (s *loadTest) attemptTimes() []time.Time {
	GinkgoHelper()
	var clusters kubeblocks.ClusterList
	Expect(s.admin.List(s.ctx, &clusters, client.InNamespace(s.namespace))).To(Succeed())
	var times []time.Time
	for _, c := range clusters.Items {
		for _, a := range remedy.ReadHistory(c.Annotations[v1alpha1.AnnotationHistory], c.UID).Attempts {
			times = append(times, a.Time.Time)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// phases counts the Restores by phase.
func (s *loadTest) phases() map[kubeblocks.RestorePhase]int {
	GinkgoHelper()
	var restores kubeblocks.RestoreList
	Expect(s.admin.List(s.ctx, &restores, client.InNamespace(s.namespace))).To(Succeed())
	count := map[kubeblocks.RestorePhase]int{}
	for _, r := range restores.Items {
		count[r.Status.Phase]++
	}
	return count
}

var _ = Describe("Many stuck Restores", func() {
	It("are cured no faster than the bucket allows, in parallel and by several leaders", func() {
		s := newLoadTest()
		limits := s.reconciler.Config.Limits
		limits.RemediationBurst /= 2 // one Namespace's share
		burst := int(limits.RemediationBurst)
		Expect(burst).To(BeNumerically("<", load))

		s.reconcileInParallel(burst)

		const maxLeaders = 10
		leaders := 0
		for ; s.phases()[kubeblocks.RestoreCompleted] < load && leaders < maxLeaders; leaders++ {
			s.clock.Step(5 * time.Minute)
			s.start() // a new leader has only the histories
			s.wake()
			for _, c := range s.clusters {
				c.fakeKubeBlocks.step()
			}
			s.reconcileFor(3)
			Expect(s.maxAtOnce()).To(BeNumerically("<=", 1), "Clusters that wait for a token do not retry at the same moment")
		}
		Expect(s.phases()).To(Equal(map[kubeblocks.RestorePhase]int{kubeblocks.RestoreCompleted: load}))
		times := s.attemptTimes()
		Expect(times).To(HaveLen(load), "each was re-created once")
		for i := range times {
			for j := i; j < len(times); j++ {
				allowed := float64(limits.RemediationBurst) + times[j].Sub(times[i]).Minutes()*float64(limits.RemediationsPerMinute)
				Expect(float64(j-i+1)).To(BeNumerically("<=", allowed), "attempts from %s to %s", times[i], times[j])
			}
		}
		showf("load", "%d Restores cured by %d leaders", load, leaders)
	})

	It("are left alone when their remediation does not help", func() {
		s := newLoadTest()
		for _, c := range s.clusters {
			c.fakeKubeBlocks.short = "node(s) didn't match pod anti-affinity rules"
		}

		s.reconcileFor(3)
		const opensAfter = attempts.BreakerWindow/2 + 1
		Expect(s.attemptTimes()).To(HaveLen(opensAfter))
		Expect(s.metric("rehome_breaker_open").GetGauge().GetValue()).To(Equal(1.0))

		s.wake()
		s.reconcileFor(1)
		before := s.allVersions()
		s.clock.Step(time.Minute)
		s.wake()
		s.reconcileFor(1)
		Expect(s.allVersions()).To(Equal(before))

		s.clock.Step(s.reconciler.Config.Limits.BreakerCoolDown.Duration)
		Expect(s.metric("rehome_breaker_open").GetGauge().GetValue()).To(BeZero(), "before any reconcile")
		s.reconcileFor(2)
		Expect(s.attemptTimes()).To(HaveLen(opensAfter+1), "one is tried, and that does not help")
	})
})

// reconcileInParallel reconciles all Clusters at once, and expects that exactly burst attempts are recorded. The first write to each
// Cluster is refused: a token that was reserved for it must be released.
func (s *loadTest) reconcileInParallel(burst int) {
	GinkgoHelper()
	var refused sync.Map
	c := interceptor.NewClient(interceptor.NewClient(cachedReads(s.server.rehome, s.admin), within(s.namespace)), interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, p client.Patch, opts ...client.PatchOption) error {
			if _, again := refused.LoadOrStore(kindOf(c, obj)+obj.GetName(), true); !again {
				return apierrors.NewConflict(schema.GroupResource{}, obj.GetName(), errors.New("the object has been modified"))
			}
			return c.Patch(ctx, obj, p, opts...)
		},
	})
	reconciler := s.reconcilerOf(c, s.server.rehome)
	reconciler.Config.Limits.BreakerCoolDown.Duration = 0 // without KubeBlocks, what is deleted stays stuck
	reconcile := func(c *stuckCluster) {
		_, err := reconciler.Reconcile(s.ctx, s.request(c))
		Expect(err).NotTo(HaveOccurred())
	}
	inParallel(s.clusters, reconcile)
	Expect(s.attemptTimes()).To(BeEmpty())
	for range 2 {
		inParallel(s.clusters, reconcile)
		Expect(s.attemptTimes()).To(HaveLen(burst))
	}
}

// wake has all Clusters reconciled.
func (s *loadTest) wake() {
	for _, c := range s.clusters {
		c.due = s.clock.Now()
	}
}
