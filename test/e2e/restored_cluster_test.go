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
type restoredCluster struct {
	*testEnv
	restored
	targetEnv *fixture.Env // of the restored cluster
	claims    map[string]types.UID
	before    sourceState
}

// restore restores a backup of a source.
func (e *testEnv) restore(ctx context.Context, source, cluster string) *restoredCluster {
	GinkgoHelper()
	return e.restoreInto(ctx, e.fixture, source, fixture.Request{Backup: backupOf(source), Cluster: cluster})
}

func (e *testEnv) restoreInto(ctx context.Context, env *fixture.Env, source string, request fixture.Request) *restoredCluster {
	GinkgoHelper()
	By("restoring " + request.Cluster)
	Expect(env.Restore(ctx, request)).To(Succeed())
	DeferCleanup(func(ctx context.Context) error {
		if !CurrentSpecReport().Failed() {
			return nil
		}
		// What hangs takes the places that the next scenario makes for its own.
		return env.DeleteCluster(ctx, request.Cluster)
	})
	return &restoredCluster{testEnv: e, restored: restored{request.Cluster, source, request.Backup}, targetEnv: env}
}

// backupOf names the backup of a source.
func backupOf(source string) string { return "backup-" + source }

// runRehome runs Rehome until the end of the spec, as soon as all that it must not change is written down.
func (c *restoredCluster) runRehome(ctx context.Context) {
	GinkgoHelper()
	c.remember(ctx)
	c.testEnv.runRehome(ctx)
}

// remember writes down all that nobody may change.
func (c *restoredCluster) remember(ctx context.Context) {
	GinkgoHelper()
	var err error
	c.claims, err = c.targetEnv.Claims(ctx, c.name)
	Expect(err).NotTo(HaveOccurred())
	c.before = c.sourceState(ctx, c.restored)
}

// runRehome runs Rehome until the end of the spec.
func (e *testEnv) runRehome(ctx context.Context, flags ...string) *program.Program {
	GinkgoHelper()
	binary, err := rehome.Build(ctx)
	Expect(err).NotTo(HaveOccurred())
	By("starting Rehome")
	p, err := e.rehome.Start(ctx, binary, flags...)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(p.Stop)
	return p
}

// expectRehomed expects that the restore gets to its end and that Rehome says so.
func (c *restoredCluster) expectRehomed(ctx context.Context) {
	GinkgoHelper()
	c.expectRunning(ctx)
	c.expectOutcome(ctx, "True Rehomed: ")
}

// expectOutcome expects that Rehome, in the end, says this of the rules of every Restore, and that its Pods have found nodes.
func (c *restoredCluster) expectOutcome(ctx context.Context, outcome string) {
	GinkgoHelper()
	c.expectConditions(ctx, And(
		HaveKeyWithValue(policyRehomed, HavePrefix(outcome)),
		HaveKeyWithValue(podsScheduled, HavePrefix("True Scheduled: "))))
}

// expectRunning expects that the restore gets to its end, on the volumes it had before, and that nobody touched its source.
func (c *restoredCluster) expectRunning(ctx context.Context) {
	GinkgoHelper()
	Expect(c.targetEnv.WaitRunning(ctx, c.name)).To(Succeed())
	claims, err := c.targetEnv.Claims(ctx, c.name)
	Expect(err).NotTo(HaveOccurred())
	for name, uid := range c.claims {
		Expect(claims).To(HaveKeyWithValue(name, uid), "the volume is the one it was")
	}
	Expect(c.sourceState(ctx, c.restored)).To(Equal(c.before), "the source and its backup are not touched")
}

// expectConditions expects that the conditions of every Restore come to satisfy a matcher.
func (c *restoredCluster) expectConditions(ctx context.Context, verdict gomegatypes.GomegaMatcher) {
	GinkgoHelper()
	Eventually(c.conditionsOfRestores).WithContext(ctx).WithTimeout(reportTime).Should(And(Not(BeEmpty()), HaveEach(verdict)))
}

// conditionsOfRestores returns, for every Restore, "status reason: message" by condition type.
func (c *restoredCluster) conditionsOfRestores(ctx context.Context) ([]map[string]string, error) {
	restores, err := c.targetEnv.Restores(ctx, c.name)
	conditionsOfRestores := make([]map[string]string, len(restores))
	for i := range restores {
		conditions, _, _ := unstructured.NestedSlice(restores[i].Object, "status", "conditions")
		conditionsOfRestores[i] = map[string]string{}
		for _, c := range conditions {
			if c, ok := c.(map[string]any); ok {
				conditionsOfRestores[i][text(c, "type")] = text(c, "status") + " " + text(c, "reason") + ": " + text(c, "message")
			}
		}
	}
	return conditionsOfRestores, err
}

func text(object map[string]any, field string) string {
	value, _, _ := unstructured.NestedString(object, field)
	return value
}

// expectComponentSpread expects that every replica of a component runs, each on a node of its own.
func (c *restoredCluster) expectComponentSpread(ctx context.Context, component string) {
	GinkgoHelper()
	pods, err := c.targetEnv.ComponentPods(ctx, c.name, component)
	Expect(err).NotTo(HaveOccurred())
	nodes := map[string]bool{}
	for i := range pods {
		nodes[pods[i].Spec.NodeName] = true
	}
	Expect(nodes).To(And(HaveLen(fixture.Replicas), Not(HaveKey(""))), "nodes of component "+component)
}

// addNode adds a node, which takes no more Pods after the spec.
func (e *testEnv) addNode(ctx context.Context, node controlplane.Node) {
	GinkgoHelper()
	By("adding node " + node.Name)
	Expect(e.controlPlane.AddNode(ctx, node)).To(Succeed())
	DeferCleanup(func(ctx context.Context) error { return e.fixture.Cordon(ctx, node.Name) })
}
