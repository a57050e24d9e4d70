package e2e

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// stayTime is how long a hang is watched. The scheduler tries a Pod again
// within it, and KubeBlocks reconciles.
const stayTime = 5 * time.Second

// The specs of this file show the defect that Rehome repairs: without Rehome, a
// restore under another name hangs, because its Pods keep away from those of
// the source and no node is without one. Then Rehome starts.

var _ = inEachMode("KubeBlocks v0.9.3", func(watched []string) {
	e := useTestEnv("v0.9.3", watched)

	It("alone hangs in a restore by OpsRequest", func(ctx SpecContext) {
		e.backUp(ctx, fixture.Source{Name: "my1"}, "bp1")
		Expect(e.fixture.RestoreByOpsRequest(ctx, "bp1", "carrot67")).To(Succeed())
		e.expectAllStuck(ctx, "carrot67")
	}, SpecTimeout(specTimeout))

	e.itIsCured(restored{"carrot67", "my1", "bp1"})
}, Label("v0.9.3"))

var _ = inEachMode("KubeBlocks v1.0.0", func(watched []string) {
	e := useTestEnv("v1.0.0", watched)

	It("alone hangs in a restore by annotation", func(ctx SpecContext) {
		e.backUp(ctx, fixture.Source{Name: "my1"}, "bp1")
		Expect(e.fixture.RestoreByAnnotation(ctx, "bp1", "carrot67")).To(Succeed())
		e.expectAllStuck(ctx, "carrot67")
	}, SpecTimeout(specTimeout))

	e.itIsCured(restored{"carrot67", "my1", "bp1"})
}, Label("v1.0.0"))

var _ = inEachMode("KubeBlocks v1.0.2", func(watched []string) {
	e := useTestEnv("v1.0.2", watched)

	It("alone hangs in a restore by annotation", func(ctx SpecContext) {
		e.backUp(ctx, fixture.Source{Name: "my1"}, "bp1")
		Expect(e.fixture.RestoreByAnnotation(ctx, "bp1", "carrot67")).To(Succeed())
		e.expectAllStuck(ctx, "carrot67")
	}, SpecTimeout(specTimeout))

	// The rewrite in KubeBlocks covers the component's rules, not these.
	It("alone hangs in a restore by OpsRequest of an instance template with rules of its own", func(ctx SpecContext) {
		e.backUp(ctx, fixture.Source{Name: "my2", InstanceTemplate: "hot"}, "bp2")
		Expect(e.fixture.RestoreByOpsRequest(ctx, "bp2", "kiwi")).To(Succeed())
		e.expectStuck(ctx, "kiwi", 1)
		Expect(e.fixture.RestorePods(ctx, "kiwi")).To(ContainElement(And(
			HaveField("Labels", HaveKeyWithValue("apps.kubeblocks.io/pod-name", "kiwi-mysql-hot-0")),
			HaveField("Spec.NodeName", BeEmpty()))))
	}, SpecTimeout(specTimeout))

	e.itIsCured(restored{"carrot67", "my1", "bp1"}, restored{"kiwi", "my2", "bp2"})
}, Label("v1.0.2"))

// expectAllStuck expects that no restore Pod of the cluster finds a node, and
// that this stays so.
func (e *testEnv) expectAllStuck(ctx context.Context, cluster string) {
	GinkgoHelper()
	e.expectStuck(ctx, cluster, fixture.Replicas)
	Expect(e.fixture.RestorePods(ctx, cluster)).To(HaveLen(fixture.Replicas))
}

// expectStuck expects that count restore Pods of the cluster find no node for
// their pod anti-affinity, and that this stays so.
func (e *testEnv) expectStuck(ctx context.Context, cluster string, count int) {
	GinkgoHelper()
	By("watching the restore of " + cluster + " hang")
	_, err := e.fixture.WaitRestorePodsUnschedulable(ctx, cluster, count)
	Expect(err).NotTo(HaveOccurred())
	Consistently(e.fixture.UnschedulableRestorePods).WithContext(ctx).WithArguments(cluster).WithTimeout(stayTime).
		Should(And(HaveLen(count), HaveEach(ContainSubstring("didn't match pod anti-affinity rules"))))
}
