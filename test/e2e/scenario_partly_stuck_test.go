package e2e

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// partlyStuck: one Job started, so the Restore and that Job must stay: its volume may already hold data.
func (e *testEnv) partlyStuck() {
	It("unblocks a restore with one running Job and stuck ones", func(ctx SpecContext) {
		c, started := e.restorePartly(ctx, "one-runs")

		c.runRehome(ctx)

		Expect(e.fixture.WaitRestorePodsScheduled(ctx, c.name, fixture.Replicas)).To(Succeed())
		c.expectNotRecreated(started)
		Expect(e.fixture.Finish(ctx, started)).To(Succeed())
		c.readmit(ctx, started.Spec.NodeName)
		c.expectRehomed(ctx)
		c.expectRewrittenRules(ctx)
		c.expectSpread(ctx, fixture.Component)
		c.expectNotRecreated(started)
	}, SpecTimeout(specTimeout))

	// From 1.0.2 on, the Job is not done then: its Pod waits for the others, although the data is written.
	It("unblocks a restore with one Job that has written its volume and stuck ones", func(ctx SpecContext) {
		c, started := e.restorePartly(ctx, "one-done")
		Expect(e.fixture.Finish(ctx, started)).To(Succeed())
		c.expectStuck(ctx, fixture.Replicas-1)

		c.runRehome(ctx)

		c.readmit(ctx, started.Spec.NodeName)
		c.expectRehomed(ctx)
		c.expectRewrittenRules(ctx)
		c.expectSpread(ctx, fixture.Component)
		c.expectNotRecreated(started)
	}, SpecTimeout(specTimeout))
}

// restorePartly restores so that one Job runs and all others are stuck. It returns the Pod that runs.
func (e *testEnv) restorePartly(ctx context.Context, cluster string) (*restoredCluster, *corev1.Pod) {
	GinkgoHelper()
	node := fixture.OnePodNode(cluster)
	e.addNode(ctx, node)
	c := e.restore(ctx, plain, cluster)
	started, err := e.fixture.WaitRestorePodsRunning(ctx, cluster, 1)
	Expect(err).NotTo(HaveOccurred())
	c.expectStuck(ctx, fixture.Replicas-1)
	// Or the next restore Pod runs there when this one ends.
	Expect(e.fixture.Cordon(ctx, node.Name)).To(Succeed())
	return c, &started[0]
}

// readmit uncordons the node of a restore Pod when no other restore Pod needs a node. Where volumes are tied to it, a database Pod can
// only run there.
func (c *restoredCluster) readmit(ctx context.Context, node string) {
	GinkgoHelper()
	if !c.tied() {
		return
	}
	By("waiting for the volumes, and uncordoning " + node)
	Expect(c.targetEnv.WaitRestored(ctx, c.name)).To(Succeed())
	Expect(c.fixture.Uncordon(ctx, node)).To(Succeed())
}

// expectRewrittenRules expects that every Restore has the anti-affinity of the source, rewritten. Without this check, a Restore that lost
// all rules would pass.
func (c *restoredCluster) expectRewrittenRules(ctx context.Context) {
	GinkgoHelper()
	original, err := c.fixture.Snapshot(ctx, c.backup)
	Expect(err).NotTo(HaveOccurred())
	components, _, err := unstructured.NestedSlice(original.Object, "spec", "componentSpecs")
	Expect(err).NotTo(HaveOccurred())
	const rules = "requiredDuringSchedulingIgnoredDuringExecution"
	want, _, err := unstructured.NestedSlice(components[0].(map[string]any), "schedulingPolicy", "affinity", "podAntiAffinity", rules)
	Expect(err).NotTo(HaveOccurred())
	Expect(want).To(HaveLen(1))
	Expect(unstructured.SetNestedField(want[0].(map[string]any), c.name, "labelSelector", "matchLabels", kubeblocks.LabelInstance)).To(Succeed())
	restores, err := c.targetEnv.Restores(ctx, c.name)
	Expect(err).NotTo(HaveOccurred())
	Expect(restores).NotTo(BeEmpty())
	for i := range restores {
		have, _, err := unstructured.NestedSlice(restores[i].Object, "spec", "prepareDataConfig", "schedulingSpec", "affinity", "podAntiAffinity", rules)
		Expect(err).NotTo(HaveOccurred())
		Expect(have).To(Equal(want), "the rules of Restore "+restores[i].GetName())
	}
}

// expectNotRecreated expects that the Job of a started restore Pod was created once, and has had this Pod only; and that all other Jobs
// were created twice. It reads the audit log, because KubeBlocks deletes the Jobs of a completed Restore.
func (c *restoredCluster) expectNotRecreated(started *corev1.Pod) {
	GinkgoHelper()
	log := c.auditLog()
	job := started.OwnerReferences[0]
	Expect(log.Jobs(started.Namespace, job.Name)).To(ConsistOf(HaveField("UID", job.UID)))
	Expect(log.PodsOf(job.UID)).To(ConsistOf(HaveField("UID", started.UID)))

	jobs := map[string]types.UID{}
	for _, other := range log.JobsOf(started.Namespace, started.Labels[kubeblocks.LabelRestore]) {
		jobs[other.Name] = other.UID
	}
	Expect(jobs).To(HaveLen(fixture.Replicas), "the names of all Jobs are the same: the Restore was not re-created")
	for name := range jobs {
		if name != job.Name {
			Expect(log.Jobs(started.Namespace, name)).To(HaveLen(2), "Job "+name+" was re-created")
		}
	}
}
