package e2e

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/program"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

const (
	podsScheduled = "rehome.kubeblocks.io/PodsScheduled"
	// reportTime bounds the time until Rehome has said how a restore went.
	reportTime = 20 * time.Second
)

// trouble is a restore that goes wrong, and what it has when Rehome starts.
type trouble struct {
	*stage
	restored
	world  *fixture.World // of the restored cluster
	claims map[string]types.UID
	before untouched
}

// restore restores a backup of a source.
func (s *stage) restore(ctx context.Context, source, cluster string) *trouble {
	GinkgoHelper()
	return s.restoreInto(ctx, s.world, source, fixture.Request{Backup: backupOf(source), Cluster: cluster})
}

func (s *stage) restoreInto(ctx context.Context, world *fixture.World, source string, request fixture.Request) *trouble {
	GinkgoHelper()
	By("restoring " + request.Cluster)
	Expect(world.Restore(ctx, request)).To(Succeed())
	DeferCleanup(func(ctx context.Context) error {
		if !CurrentSpecReport().Failed() {
			return nil
		}
		// What hangs takes the places that the next scenario makes for its own.
		return world.DeleteCluster(ctx, request.Cluster)
	})
	return &trouble{stage: s, restored: restored{request.Cluster, source, request.Backup}, world: world}
}

// backupOf names the backup of a source.
func backupOf(source string) string { return "backup-" + source }

// runRehome runs Rehome until the end of the spec, as soon as all that it must not change is written down.
func (t *trouble) runRehome(ctx context.Context) {
	GinkgoHelper()
	t.remember(ctx)
	t.stage.runRehome(ctx)
}

// remember writes down all that nobody may change.
func (t *trouble) remember(ctx context.Context) {
	GinkgoHelper()
	var err error
	t.claims, err = t.world.Claims(ctx, t.name)
	Expect(err).NotTo(HaveOccurred())
	t.before = t.untouched(ctx, t.restored)
}

// runRehome runs Rehome until the end of the spec.
func (s *stage) runRehome(ctx context.Context, flags ...string) *program.Program {
	GinkgoHelper()
	binary, err := rehome.Build(ctx)
	Expect(err).NotTo(HaveOccurred())
	By("starting Rehome")
	p, err := s.rehome.Start(ctx, binary, flags...)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(p.Stop)
	return p
}

// expectCured expects that the restore gets to its end and that Rehome says so.
func (t *trouble) expectCured(ctx context.Context) {
	GinkgoHelper()
	t.expectRunning(ctx)
	t.expectOutcome(ctx, "True Rehomed: ")
}

// expectOutcome expects that Rehome, in the end, says this of the rules of every Restore, and that its Pods have found nodes.
func (t *trouble) expectOutcome(ctx context.Context, outcome string) {
	GinkgoHelper()
	t.expectVerdict(ctx, And(
		HaveKeyWithValue(policyRehomed, HavePrefix(outcome)),
		HaveKeyWithValue(podsScheduled, HavePrefix("True Scheduled: "))))
}

// expectRunning expects that the restore gets to its end, on the volumes it had before, and that nobody touched its source.
func (t *trouble) expectRunning(ctx context.Context) {
	GinkgoHelper()
	Expect(t.world.WaitRunning(ctx, t.name)).To(Succeed())
	claims, err := t.world.Claims(ctx, t.name)
	Expect(err).NotTo(HaveOccurred())
	for name, uid := range t.claims {
		Expect(claims).To(HaveKeyWithValue(name, uid), "the volume is the one it was")
	}
	Expect(t.untouched(ctx, t.restored)).To(Equal(t.before), "the source and its backup are not touched")
}

// expectVerdict expects that the conditions of every Restore come to satisfy a matcher.
func (t *trouble) expectVerdict(ctx context.Context, verdict gomegatypes.GomegaMatcher) {
	GinkgoHelper()
	Eventually(t.verdicts).WithContext(ctx).WithTimeout(reportTime).Should(And(Not(BeEmpty()), HaveEach(verdict)))
}

// verdicts returns, for every Restore, "status reason: message" by condition type.
func (t *trouble) verdicts(ctx context.Context) ([]map[string]string, error) {
	restores, err := t.world.Restores(ctx, t.name)
	verdicts := make([]map[string]string, len(restores))
	for i := range restores {
		conditions, _, _ := unstructured.NestedSlice(restores[i].Object, "status", "conditions")
		verdicts[i] = map[string]string{}
		for _, c := range conditions {
			if c, ok := c.(map[string]any); ok {
				verdicts[i][text(c, "type")] = text(c, "status") + " " + text(c, "reason") + ": " + text(c, "message")
			}
		}
	}
	return verdicts, err
}

func text(object map[string]any, field string) string {
	value, _, _ := unstructured.NestedString(object, field)
	return value
}

// expectComponentSpread expects that every replica of a component runs, each on a node of its own.
func (t *trouble) expectComponentSpread(ctx context.Context, component string) {
	GinkgoHelper()
	pods, err := t.world.ComponentPods(ctx, t.name, component)
	Expect(err).NotTo(HaveOccurred())
	nodes := map[string]bool{}
	for i := range pods {
		nodes[pods[i].Spec.NodeName] = true
	}
	Expect(nodes).To(And(HaveLen(fixture.Replicas), Not(HaveKey(""))), "nodes of component "+component)
}

// addNode adds a node, which takes no more Pods after the spec.
func (s *stage) addNode(ctx context.Context, node controlplane.Node) {
	GinkgoHelper()
	By("adding node " + node.Name)
	Expect(s.controlPlane.AddNode(ctx, node)).To(Succeed())
	DeferCleanup(func(ctx context.Context) error { return s.world.Cordon(ctx, node.Name) })
}
