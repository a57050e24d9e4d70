package e2e

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

const (
	policyRehomed = "rehome.kubeblocks.io/PolicyRehomed"
	// backAgain bounds how long a condition that somebody removed may be gone.
	backAgain = 5 * time.Second
)

// restored is a cluster whose restore hangs, and where it came from.
type restored struct{ name, source, backup string }

// itIsCured registers the specs of what happens to restores that hang as soon as Rehome runs.
func (e *testEnv) itIsCured(clusters ...restored) {
	It("goes on as soon as Rehome runs", func(ctx SpecContext) {
		before := map[string]sourceState{}
		for _, c := range clusters {
			before[c.name] = e.sourceState(ctx, c)
		}

		e.startRehome(ctx)

		for _, c := range clusters {
			Expect(e.fixture.WaitRunning(ctx, c.name)).To(Succeed())
			e.expectSpread(ctx, c.name)
			Expect(e.sourceState(ctx, c)).To(Equal(before[c.name]), "the source and its backup are not touched")
			e.expectReports(ctx, c.name)
		}
	}, SpecTimeout(specTimeout))

	It("puts its condition back when somebody removes it", func(ctx SpecContext) {
		for _, c := range clusters {
			e.expectConditionBack(ctx, c.name)
		}
	}, SpecTimeout(specTimeout))
}

func (e *testEnv) startRehome(ctx context.Context) {
	GinkgoHelper()
	binary, err := rehome.Build(ctx)
	Expect(err).NotTo(HaveOccurred())
	By("starting Rehome")
	_, err = e.rehome.Start(ctx, binary)
	Expect(err).NotTo(HaveOccurred())
}

// sourceState is what Rehome may only read.
type sourceState struct {
	source fixture.Fingerprint
	backup string // resourceVersion
}

func (e *testEnv) sourceState(ctx context.Context, c restored) sourceState {
	GinkgoHelper()
	source, err := e.fixture.Fingerprint(ctx, c.source)
	Expect(err).NotTo(HaveOccurred())
	backup, err := e.fixture.BackupVersion(ctx, c.backup)
	Expect(err).NotTo(HaveOccurred())
	return sourceState{source, backup}
}

// expectSpread expects that every replica of a cluster runs, each on a node of its own.
func (e *testEnv) expectSpread(ctx context.Context, cluster string) {
	GinkgoHelper()
	pods, err := e.fixture.DatabasePods(ctx, cluster)
	Expect(err).NotTo(HaveOccurred())
	nodes := map[string]types.UID{}
	for _, pod := range pods {
		Expect(pod.Spec.NodeName).NotTo(BeEmpty())
		nodes[pod.Spec.NodeName] = pod.UID
	}
	Expect(nodes).To(HaveLen(fixture.Replicas))
}

// expectReports expects that Rehome's condition stands on every Restore of a cluster, beside KubeBlocks' own.
func (e *testEnv) expectReports(ctx context.Context, cluster string) {
	GinkgoHelper()
	Eventually(e.conditions).WithContext(ctx).WithArguments(cluster).WithTimeout(backAgain).Should(And(
		Not(BeEmpty()),
		HaveEach(And(
			HaveKeyWithValue(policyRehomed, "Rehomed"),
			// What KubeBlocks says of a Restore that went well.
			HaveKey("ValidationPassed"), HaveKey("PrepareData"),
		))))
}

func (e *testEnv) expectConditionBack(ctx context.Context, cluster string) {
	GinkgoHelper()
	restores, err := e.fixture.Restores(ctx, cluster)
	Expect(err).NotTo(HaveOccurred())
	for i := range restores {
		Expect(e.fixture.RemoveCondition(ctx, &restores[i], policyRehomed)).To(Succeed())
	}
	e.expectReports(ctx, cluster)
}

// conditions returns the reasons of a cluster's Restores by condition type.
func (e *testEnv) conditions(ctx context.Context, cluster string) ([]map[string]string, error) {
	restores, err := e.fixture.Restores(ctx, cluster)
	if err != nil {
		return nil, err
	}
	all := make([]map[string]string, 0, len(restores))
	for i := range restores {
		reasons, err := conditionReasons(&restores[i])
		if err != nil {
			return nil, err
		}
		all = append(all, reasons)
	}
	return all, nil
}

func conditionReasons(obj *unstructured.Unstructured) (map[string]string, error) {
	conditions, _, err := unstructured.NestedSlice(obj.Object, "status", "conditions")
	if err != nil {
		return nil, err
	}
	reasons := map[string]string{}
	for _, c := range conditions {
		condition := &unstructured.Unstructured{Object: map[string]any{"condition": c}}
		conditionType, _, _ := unstructured.NestedString(condition.Object, "condition", "type")
		reasons[conditionType], _, _ = unstructured.NestedString(condition.Object, "condition", "reason")
	}
	return reasons, nil
}
