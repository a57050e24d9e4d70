package e2e

import (
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// earlyRestores is how many restores show how often Rehome is early.
const earlyRestores = 5

// Scenario (i): the stale rule keeps restore Pods from the source's, not from each other. So where there is a free node, all
// of them land on it, and with them their volumes. Nothing hangs, and nothing is spread.

func (s *stage) lostSpread() {
	It("lose their spread to a free node, and Rehome says so while they run", func(ctx SpecContext) {
		node := fixture.SlowNode("free")
		s.addNode(ctx, node)
		t := s.restore(ctx, plain, "late")
		started, err := s.world.WaitStarted(ctx, t.name, fixture.Replicas)
		Expect(err).NotTo(HaveOccurred())
		Expect(started).To(HaveEach(HaveField("Spec.NodeName", node.Name)))
		before := t.restoreJobs(ctx)

		t.runRehome(ctx)

		t.expectSpreadLost(ctx, node.Name)
		Expect(t.restoreJobs(ctx)).To(Equal(before))
		for i := range started {
			Expect(s.world.Finish(ctx, &started[i])).To(Succeed())
		}
		t.expectRunning(ctx)
		t.expectTruth(ctx, node.Name)
	}, SpecTimeout(specTimeout))

	It("lose their spread to a free node, and Rehome says so afterwards", func(ctx SpecContext) {
		node := fixture.FreeNode("free")
		s.addNode(ctx, node)
		t := s.restore(ctx, plain, "after")
		Expect(s.world.WaitRunning(ctx, t.name)).To(Succeed())
		before, err := s.world.Footprint(ctx, t.name)
		Expect(err).NotTo(HaveOccurred())

		t.runRehome(ctx)

		t.expectSpreadLost(ctx, node.Name)
		t.expectRunning(ctx)
		Expect(s.world.Footprint(ctx, t.name)).To(Equal(before), "the database runs, so Rehome does not touch it")
	}, SpecTimeout(specTimeout))
}

// early is the other side of scenario (i): Rehome runs when the restore begins.
func (s *stage) early() {
	It("keep their spread where Rehome runs before them and is early enough", func(ctx SpecContext) {
		node := fixture.FreeNode("open")
		s.addNode(ctx, node)
		s.runRehome(ctx)
		outcomes := map[string]int{}
		for i := range earlyRestores {
			t := s.restore(ctx, plain, fmt.Sprintf("early-%d", i))
			t.before = t.untouched(ctx, t.restored)
			t.expectRunning(ctx)
			outcomes[t.expectTruth(ctx, node.Name)]++
		}
		AddReportEntry("Rehome was early", fmt.Sprintf("in %d of %d restores; all: %v", outcomes["Rehomed"], earlyRestores, outcomes))
	}, SpecTimeout(2*specTimeout))
}

// expectTruth expects that Rehome says of a restore that runs what is so, and returns the reason it gives: either every
// replica has a node of its own, or the spread is lost and Rehome says where the volumes are. RestoreFinished is the first
// of these after a late start: the volumes here are tied to no node, so the database Pods could still be kept apart.
func (t *trouble) expectTruth(ctx context.Context, node string) (reason string) {
	GinkgoHelper()
	kept := Or(HavePrefix("True Rehomed: "), HavePrefix("True RestoreFinished: "))
	t.expectVerdict(ctx, HaveKeyWithValue(policyRehomed, Or(kept, HavePrefix("False SpreadLost: "))))
	verdicts, err := t.verdicts(ctx)
	Expect(err).NotTo(HaveOccurred())
	status, said, _ := strings.Cut(verdicts[0][policyRehomed], " ")
	if status == "True" {
		t.expectSpread(ctx, t.name)
	} else {
		t.expectSpreadLost(ctx, node)
	}
	reason, _, _ = strings.Cut(said, ":")
	return reason
}

// expectSpreadLost expects that Rehome names the node, and the volumes that are on it.
func (t *trouble) expectSpreadLost(ctx context.Context, node string) {
	GinkgoHelper()
	verdict := And(HavePrefix("False SpreadLost: "), ContainSubstring(node))
	for i := range fixture.Replicas {
		verdict = And(verdict, ContainSubstring(fmt.Sprintf("data-%s-mysql-%d", t.name, i)))
	}
	t.expectVerdict(ctx, HaveKeyWithValue(policyRehomed, verdict))
}

// restoreJobs returns the UIDs of the restore Jobs and of their Pods by name.
func (t *trouble) restoreJobs(ctx context.Context) map[string]types.UID {
	GinkgoHelper()
	jobs, err := t.world.RestoreJobs(ctx, t.name)
	Expect(err).NotTo(HaveOccurred())
	pods, err := t.world.RestorePods(ctx, t.name)
	Expect(err).NotTo(HaveOccurred())
	uids := map[string]types.UID{}
	for i := range jobs {
		uids[jobs[i].Name] = jobs[i].UID
	}
	for i := range pods {
		uids[pods[i].Name] = pods[i].UID
	}
	return uids
}
