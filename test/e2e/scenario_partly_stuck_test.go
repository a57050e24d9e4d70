package e2e

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// halfStuck is scenario (b): one Job found a place, and its data may be written.
func (s *stage) halfStuck() {
	It("go on when one Job runs and the others are stuck", func(ctx SpecContext) {
		t, started := s.restoreHalf(ctx, "one-runs")

		t.runRehome(ctx)

		Expect(s.world.WaitPlaced(ctx, t.name, fixture.Replicas)).To(Succeed())
		t.expectOneLife(started)
		Expect(s.world.Finish(ctx, started)).To(Succeed())
		t.expectCured(ctx)
		t.expectOwnRules(ctx)
		s.expectSpread(ctx, t.name)
		t.expectOneLife(started)
	}, SpecTimeout(specTimeout))

	// From 1.0.2 on, the Job is not done then: its Pod waits for the others, although the data is written.
	It("go on when one Job has restored its volume and the others are stuck", func(ctx SpecContext) {
		t, started := s.restoreHalf(ctx, "one-done")
		Expect(s.world.Finish(ctx, started)).To(Succeed())
		s.expectHang(ctx, t.name, fixture.Replicas-1)

		t.runRehome(ctx)

		t.expectCured(ctx)
		t.expectOwnRules(ctx)
		s.expectSpread(ctx, t.name)
		t.expectOneLife(started)
	}, SpecTimeout(specTimeout))
}

// expectOwnRules expects that every Restore requires of its Pods what the source required of its own: a Restore without any
// rules would get on as well.
func (t *trouble) expectOwnRules(ctx context.Context) {
	GinkgoHelper()
	original, err := t.stage.world.Snapshot(ctx, t.backup)
	Expect(err).NotTo(HaveOccurred())
	components, _, err := unstructured.NestedSlice(original.Object, "spec", "componentSpecs")
	Expect(err).NotTo(HaveOccurred())
	const rules = "requiredDuringSchedulingIgnoredDuringExecution"
	want, _, err := unstructured.NestedSlice(components[0].(map[string]any), "schedulingPolicy", "affinity", "podAntiAffinity", rules)
	Expect(err).NotTo(HaveOccurred())
	Expect(want).To(HaveLen(1))
	Expect(unstructured.SetNestedField(want[0].(map[string]any), t.name, "labelSelector", "matchLabels", "app.kubernetes.io/instance")).To(Succeed())
	restores, err := t.world.Restores(ctx, t.name)
	Expect(err).NotTo(HaveOccurred())
	Expect(restores).NotTo(BeEmpty())
	for i := range restores {
		have, _, err := unstructured.NestedSlice(restores[i].Object, "spec", "prepareDataConfig", "schedulingSpec", "affinity", "podAntiAffinity", rules)
		Expect(err).NotTo(HaveOccurred())
		Expect(have).To(Equal(want), "the rules of Restore "+restores[i].GetName())
	}
}

// restoreHalf restores so that one Job runs and all others are stuck. It returns the Pod that runs.
func (s *stage) restoreHalf(ctx context.Context, cluster string) (*trouble, *corev1.Pod) {
	GinkgoHelper()
	node := fixture.OnePodNode(cluster)
	s.addNode(ctx, node)
	t := s.restore(ctx, plain, cluster)
	started, err := s.world.WaitStarted(ctx, cluster, 1)
	Expect(err).NotTo(HaveOccurred())
	s.expectHang(ctx, cluster, fixture.Replicas-1)
	// Or the next restore Pod takes the place when this one ends.
	Expect(s.world.Cordon(ctx, node.Name)).To(Succeed())
	return t, &started[0]
}

// expectOneLife expects, of a restore Pod that started, that it is the only one its Job ever had, and the Job the only one
// that ever had its name; and that all other Jobs were created twice. KubeBlocks deletes the Jobs of a Restore that is
// complete, so only the audit log tells.
func (t *trouble) expectOneLife(started *corev1.Pod) {
	GinkgoHelper()
	log := t.auditLog()
	job := started.OwnerReferences[0]
	Expect(log.Jobs(started.Namespace, job.Name)).To(ConsistOf(HaveField("UID", job.UID)))
	Expect(log.PodsOf(job.UID)).To(ConsistOf(HaveField("UID", started.UID)))

	lives := map[string]types.UID{}
	for _, other := range log.JobsOf(started.Namespace, started.Labels["dataprotection.kubeblocks.io/restore"]) {
		lives[other.Name] = other.UID
	}
	Expect(lives).To(HaveLen(fixture.Replicas), "all Jobs have kept their names: the Restore is the one it was")
	for name := range lives {
		if name != job.Name {
			Expect(log.Jobs(started.Namespace, name)).To(HaveLen(2), "Job "+name+" was created again")
		}
	}
}
