package e2e

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

const (
	policyRehomed = "rehome.kubeblocks.io/PolicyRehomed"
	podsScheduled = "rehome.kubeblocks.io/PodsScheduled"
)

const (
	// reportTimeout bounds the time from the end of a restore until Rehome has reported it.
	reportTimeout = 20 * time.Second
	// conditionTimeout bounds the time until Rehome puts a removed condition back.
	conditionTimeout = 5 * time.Second
	// stuckTime is how long a stuck restore is watched: the scheduler retries a Pod within it, and KubeBlocks reconciles.
	stuckTime = 5 * time.Second
)

// restoredCluster is a cluster restored from a backup, and what it had when Rehome started.
type restoredCluster struct {
	*testEnv
	name, source, backup string
	// targetEnv is the namespace of the restored cluster.
	targetEnv *fixture.Env
	claims    map[string]types.UID
	before    sourceState
}

// restore restores the backup of a source.
func (e *testEnv) restore(ctx context.Context, source, cluster string) *restoredCluster {
	GinkgoHelper()
	return e.restoreInto(ctx, e.fixture, source, fixture.Request{Backup: backupOf(source), Cluster: cluster})
}

func (e *testEnv) restoreInto(ctx context.Context, target *fixture.Env, source string, request fixture.Request) *restoredCluster {
	GinkgoHelper()
	By("restoring " + request.Cluster)
	Expect(target.Restore(ctx, request)).To(Succeed())
	DeferCleanup(func(ctx context.Context) error {
		if !CurrentSpecReport().Failed() {
			return nil
		}
		// The Pods of a stuck restore would take the nodes that later specs add.
		return target.DeleteCluster(ctx, request.Cluster)
	})
	return &restoredCluster{testEnv: e, name: request.Cluster, source: source, backup: request.Backup, targetEnv: target}
}

// sourceState is what Rehome must not change.
type sourceState struct {
	source fixture.Fingerprint
	backup string // resourceVersion
}

func (c *restoredCluster) sourceState(ctx context.Context) sourceState {
	GinkgoHelper()
	source, err := c.fixture.Fingerprint(ctx, c.source)
	Expect(err).NotTo(HaveOccurred())
	backup, err := c.fixture.BackupVersion(ctx, c.backup)
	Expect(err).NotTo(HaveOccurred())
	return sourceState{source, backup}
}

// record records what Rehome must not change.
func (c *restoredCluster) record(ctx context.Context) {
	GinkgoHelper()
	var err error
	c.claims, err = c.targetEnv.Claims(ctx, c.name)
	Expect(err).NotTo(HaveOccurred())
	c.before = c.sourceState(ctx)
}

// runRehome records what Rehome must not change, and runs Rehome until the end of the spec.
func (c *restoredCluster) runRehome(ctx context.Context) {
	GinkgoHelper()
	c.record(ctx)
	c.testEnv.runRehome(ctx)
}

// expectAllStuck expects that no restore Pod of the cluster is scheduled, and that this does not change.
func (c *restoredCluster) expectAllStuck(ctx context.Context) {
	GinkgoHelper()
	c.expectStuck(ctx, fixture.Replicas)
	Expect(c.targetEnv.RestorePods(ctx, c.name)).To(HaveLen(fixture.Replicas))
}

// expectStuck expects that the anti-affinity of count restore Pods excludes every node, that this does not change, and that it is explained.
func (c *restoredCluster) expectStuck(ctx context.Context, count int) {
	GinkgoHelper()
	By("watching the stuck restore of " + c.name)
	_, err := c.targetEnv.WaitRestorePodsUnschedulable(ctx, c.name, count)
	Expect(err).NotTo(HaveOccurred())
	Consistently(c.targetEnv.UnschedulableRestorePods).WithContext(ctx).WithArguments(c.name).WithTimeout(stuckTime).
		Should(And(HaveLen(count), HaveEach(ContainSubstring("didn't match pod anti-affinity rules"))))
	c.expectExplained(ctx, restorePods, staleRule)
}

// expectRehomed expects that the restore finishes and that Rehome reports so.
func (c *restoredCluster) expectRehomed(ctx context.Context) {
	GinkgoHelper()
	c.expectRunning(ctx)
	c.expectOutcome(ctx, reportTimeout, rehomed)
}

// expectOutcome expects this PolicyRehomed of every Restore in time, and that all Pods are reported as scheduled.
func (c *restoredCluster) expectOutcome(ctx context.Context, timeout time.Duration, outcome string) {
	GinkgoHelper()
	c.expectConditions(ctx, timeout, And(
		HaveKeyWithValue(policyRehomed, HavePrefix(outcome)),
		HaveKeyWithValue(podsScheduled, HavePrefix("True Scheduled: "))))
}

// expectRunning expects that the cluster runs on the volumes that it had before Rehome started, and that its source is unchanged.
func (c *restoredCluster) expectRunning(ctx context.Context) {
	GinkgoHelper()
	Expect(c.targetEnv.WaitRunning(ctx, c.name)).To(Succeed())
	claims, err := c.targetEnv.Claims(ctx, c.name)
	Expect(err).NotTo(HaveOccurred())
	for name, uid := range c.claims {
		Expect(claims).To(HaveKeyWithValue(name, uid), "the volume claim is the same")
	}
	Expect(c.sourceState(ctx)).To(Equal(c.before), "the source and its backup are unchanged")
}

// expectSpread expects that every replica of a component runs on a node of its own.
func (c *restoredCluster) expectSpread(ctx context.Context, component string) {
	GinkgoHelper()
	pods, err := c.targetEnv.ComponentPods(ctx, c.name, component)
	Expect(err).NotTo(HaveOccurred())
	nodes := map[string]bool{}
	for i := range pods {
		nodes[pods[i].Spec.NodeName] = true
	}
	Expect(nodes).To(And(HaveLen(fixture.Replicas), Not(HaveKey(""))), "nodes of component "+component)
}

// expectConditionPutBack expects that Rehome's condition stands beside KubeBlocks' own, and again after somebody removed it.
func (c *restoredCluster) expectConditionPutBack(ctx context.Context) {
	GinkgoHelper()
	besideKubeBlocks := And(
		HaveKeyWithValue(policyRehomed, HavePrefix("True Rehomed: ")),
		HaveKey("ValidationPassed"), HaveKey("PrepareData"))
	c.expectConditions(ctx, conditionTimeout, besideKubeBlocks)
	By("removing the condition")
	restores, err := c.targetEnv.Restores(ctx, c.name)
	Expect(err).NotTo(HaveOccurred())
	for i := range restores {
		Expect(c.targetEnv.RemoveCondition(ctx, &restores[i], policyRehomed)).To(Succeed())
	}
	c.expectConditions(ctx, conditionTimeout, besideKubeBlocks)
}

// expectConditions expects that the conditions of every Restore satisfy a matcher within a time.
func (c *restoredCluster) expectConditions(ctx context.Context, timeout time.Duration, expected gomegatypes.GomegaMatcher) {
	GinkgoHelper()
	Eventually(c.conditions).WithContext(ctx).WithTimeout(timeout).Should(And(Not(BeEmpty()), HaveEach(expected)))
}

// conditions returns, for every Restore, "status reason: message" by condition type.
func (c *restoredCluster) conditions(ctx context.Context) ([]map[string]string, error) {
	restores, err := c.targetEnv.Restores(ctx, c.name)
	all := make([]map[string]string, len(restores))
	for i := range restores {
		conditions, _, _ := unstructured.NestedSlice(restores[i].Object, "status", "conditions")
		all[i] = map[string]string{}
		for _, condition := range conditions {
			if condition, ok := condition.(map[string]any); ok {
				all[i][text(condition, "type")] = text(condition, "status") + " " + text(condition, "reason") + ": " + text(condition, "message")
			}
		}
	}
	return all, err
}

func text(object map[string]any, field string) string {
	value, _, _ := unstructured.NestedString(object, field)
	return value
}

// rehomingReady returns the condition Ready of the Rehoming as "status reason: message".
func (c *restoredCluster) rehomingReady(ctx context.Context) (string, error) {
	rehoming := &unstructured.Unstructured{}
	rehoming.SetAPIVersion("rehome.kubeblocks.io/v1alpha1")
	rehoming.SetKind("Rehoming")
	if err := c.targetEnv.Client.Get(ctx, client.ObjectKey{Namespace: c.targetEnv.Namespace, Name: c.name}, rehoming); err != nil {
		return "", err
	}
	conditions, _, err := unstructured.NestedSlice(rehoming.Object, "status", "conditions")
	for _, condition := range conditions {
		if condition, ok := condition.(map[string]any); ok && condition["type"] == "Ready" {
			return text(condition, "status") + " " + text(condition, "reason") + ": " + text(condition, "message"), err
		}
	}
	return "", err
}
