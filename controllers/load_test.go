package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

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

// many is how many Restores are stuck at once. Where the cure does not help, fewer will do.
const many, fewer = 200, 60

// storm is an env with many restored Clusters, and one manager that looks at one after another.
type loadTest struct {
	*faultRun
	clusters []*stuckCluster
	// deleted counts the Restores that were deleted, wrote all writes but those to Rehomings.
	deleted, wrote int
}

// stuckCluster is a Cluster of a load test.
type stuckCluster struct {
	name           string
	fakeKubeBlocks *fakeKubeBlocks
	// due is when the manager looks at it again; zero for not before something happens.
	due time.Time
}

func newLoadTest(size int) *loadTest {
	GinkgoHelper()
	s := &loadTest{faultRun: newFaultRun(rehometesting.V10())}
	s.fakeKubeBlocks.nodes = []node{{"node1", size}, {"node2", size}}
	s.backedUp(source)
	s.fakeKubeBlocks.read()
	for i := range size {
		name := fmt.Sprintf("carrot%03d", i)
		s.clusters = append(s.clusters, &stuckCluster{name: name, fakeKubeBlocks: s.newFakeKubeBlocks(name), due: s.clock.Now()})
	}
	inParallel(s.clusters, s.hangs)
	return s
}

// hangs makes a Cluster whose rules are its own, and whose Restore has my1's.
func (s *loadTest) hangs(c *stuckCluster) {
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

// look has the manager look at all that is due, and lets KubeBlocks act where it did something.
func (s *loadTest) look() {
	GinkgoHelper()
	for _, c := range s.clusters {
		if c.due.IsZero() || c.due.After(s.clock.Now()) {
			continue
		}
		s.writes, s.own = nil, nil
		key := types.NamespacedName{Namespace: s.namespace, Name: c.name}
		result, err := s.reconciler.Reconcile(logf.IntoContext(s.ctx, s.logger), ctrl.Request{NamespacedName: key})
		Expect(err).NotTo(HaveOccurred())
		s.wrote += len(s.writes)
		c.due = time.Time{}
		if result.RequeueAfter > 0 {
			c.due = s.clock.Now().Add(result.RequeueAfter)
		}
		if slices.ContainsFunc(s.writes, func(w string) bool { return w == "delete Restore "+c.name+"-mysql-preparedata" }) {
			s.deleted++
			c.fakeKubeBlocks.step()
		}
		s.logged = nil // a storm would fill memory
	}
}

// lookFor has the manager look for a while, a second at a time.
func (s *loadTest) lookFor(seconds int) {
	GinkgoHelper()
	for range seconds {
		s.look()
		s.clock.Step(time.Second)
	}
}

// mostAtOnce returns how many Clusters at most are to be looked at in the same second.
func (s *loadTest) mostAtOnce() int {
	at := map[time.Time]int{}
	most := 0
	for _, c := range s.clusters {
		if !c.due.IsZero() {
			second := c.due.Truncate(time.Second)
			at[second]++
			most = max(most, at[second])
		}
	}
	return most
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

var _ = Describe("A storm of stuck restores", Label("harness"), func() {
	It("is cured, no faster than the bucket allows, whoever leads", func() {
		s := newLoadTest(many)
		defer s.clean()
		limits := s.reconciler.Config.Limits
		const mostBursts = 10
		bursts := 0
		for ; s.phases()[kubeblocks.RestoreCompleted] < many && bursts < mostBursts; bursts++ {
			s.lookFor(3)
			Expect(s.mostAtOnce()).To(BeNumerically("<=", 1), "who waits does not wake with all others")
			s.clock.Step(5 * time.Minute)
			s.start() // a new leader knows what the ledgers hold, and looks at all
			s.wake()
		}
		s.lookFor(2)

		Expect(s.phases()).To(Equal(map[kubeblocks.RestorePhase]int{kubeblocks.RestoreCompleted: many}))
		times := s.attemptTimes()
		Expect(times).To(HaveLen(many), "each was made anew once")
		for i := range times {
			for j := i; j < len(times); j++ {
				allowed := float64(limits.RemediationBurst) + times[j].Sub(times[i]).Minutes()*float64(limits.RemediationsPerMinute)
				Expect(float64(j-i+1)).To(BeNumerically("<=", allowed), "attempts from %s to %s", times[i], times[j])
			}
		}
		showf("storm", "%d Restores cured in %d bursts", many, bursts)
	})

	It("takes as many tokens as there are, however many Clusters are looked at at once", func() {
		s := newLoadTest(fewer)
		defer s.clean()
		server := servers[s.generation.Apps]
		var seen sync.Map
		s.reconciler = s.reconcilerOf(interceptor.NewClient(interceptor.NewClient(cachedReads(server.rehome, server.admin), within(s.namespace)), interceptor.Funcs{
			Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, p client.Patch, opts ...client.PatchOption) error {
				if _, again := seen.LoadOrStore(kindOf(c, obj)+obj.GetName(), true); !again {
					return apierrors.NewConflict(schema.GroupResource{}, obj.GetName(), errors.New("somebody was ahead"))
				}
				return c.Patch(ctx, obj, p, opts...)
			},
		}), server.rehome, server)
		s.reconciler.Config.Limits.BreakerCoolDown.Duration = 0 // nobody plays KubeBlocks: what is deleted stays stuck
		look := func(c *stuckCluster) {
			_, err := s.reconciler.Reconcile(s.ctx, ctrl.Request{NamespacedName: types.NamespacedName{Namespace: s.namespace, Name: c.name}})
			Expect(err).NotTo(HaveOccurred())
		}
		burst := int(s.reconciler.Config.Limits.RemediationBurst)
		Expect(burst).To(BeNumerically("<", fewer))

		inParallel(s.clusters, look)
		Expect(s.attemptTimes()).To(BeEmpty(), "somebody is ahead of every first write, and its token is not spent")
		for range 3 {
			inParallel(s.clusters, look)
			Expect(s.attemptTimes()).To(HaveLen(burst))
		}
	})

	It("is left alone once the cure does not help", func() {
		s := newLoadTest(fewer)
		defer s.clean()
		for _, c := range s.clusters {
			c.fakeKubeBlocks.short = "Insufficient memory"
		}

		s.lookFor(3)
		const opensAfter = attempts.BreakerWindow/2 + 1
		Expect(s.deleted).To(Equal(opensAfter))
		Expect(s.metric("rehome_breaker_open").GetGauge().GetValue()).To(Equal(1.0))

		s.wrote = 0
		s.wake()
		s.look()
		before := s.allVersions()
		s.clock.Step(time.Minute)
		s.wake()
		s.look()
		Expect(s.wrote).To(BeZero())
		Expect(s.allVersions()).To(Equal(before))

		s.clock.Step(s.reconciler.Config.Limits.BreakerCoolDown.Duration)
		Expect(s.metric("rehome_breaker_open").GetGauge().GetValue()).To(BeZero(), "before anybody looks")
		s.lookFor(2)
		Expect(s.deleted).To(Equal(opensAfter+1), "one is tried, and it does not help")
		showf("storm without a cure", "%d of %d Restores deleted before the breaker opened, 1 after the time to cool down", opensAfter, fewer)
	})
})

// wake has the manager look at all, whatever is due.
func (s *loadTest) wake() {
	for _, c := range s.clusters {
		c.due = s.clock.Now()
	}
}
