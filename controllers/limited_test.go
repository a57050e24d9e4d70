package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// noNode has Pods of the source on every node: all Pods of the restore are stuck. Their volumes will be tied to nodes.
var noNode = scenario{
	generation: rehometesting.V10,
	begin: func(t *faultRun) {
		k := t.fakeKubeBlocks
		k.tied, k.database, k.jobs = true, true, 2
		for _, name := range []string{"node1", "node2"} {
			t.addNode(name, room)
		}
		t.sourceOn(t.cluster(source, source).Obj(), k.nodes)
		t.create(t.cluster(target, source).RestoredFrom("mysql", backup).Obj())
	},
}

var _ = Describe("A node that comes while a limit holds a restore", Label("harness"), func() {
	It("takes all Pods of the restore and of the database, as it would without Rehome", func() {
		run := noNode.setUpInMemory()
		run.reconciler.Config.Limits.AttemptsPerRestore = 0 // as if all were used
		run.converge()
		Expect(run.pods()).NotTo(BeEmpty())
		Expect(run.pods()).To(HaveEach(HaveField("Spec.NodeName", BeEmpty())))

		run.addNode("late", room)
		run.converge()

		Expect(run.pods()).To(ContainElement(HaveField("Labels", Not(HaveKey(kubeblocks.LabelRestore)))), "database Pods")
		for _, pod := range run.pods() {
			Expect(pod.Spec.NodeName).NotTo(BeEmpty(), pod.Name)
		}
	})
})
