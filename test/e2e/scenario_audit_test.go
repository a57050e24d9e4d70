package e2e

import (
	"context"
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// auditPredicts restores without Rehome, and expects what an audit of the Backup says.
func (e *testEnv) auditPredicts() {
	It("is predicted by an audit: a restore by manifest hangs", Label("nightly"), func(ctx SpecContext) {
		v := e.audit(ctx, backupOf(plain))
		Expect(v.Outcome).To(Equal(audit.Hangs))
		Expect(v.HangsOn(audit.ByManifest)).To(BeTrue())
		Expect(v.HangsOn(audit.ByOpsRequest)).To(Equal(!e.version.RewritesOpsRequest))

		c := e.restoreInto(ctx, e.fixture, plain, fixture.Request{Backup: backupOf(plain), Cluster: "predicted"})

		c.expectAllStuck(ctx)
		Expect(e.fixture.DeleteCluster(ctx, c.name)).To(Succeed())
	}, SpecTimeout(specTimeout))

	if !e.version.RewritesOpsRequest {
		return
	}
	It("is predicted by an audit: a restore by OpsRequest runs", Label("nightly"), func(ctx SpecContext) {
		Expect(e.audit(ctx, backupOf(plain)).HangsOn(audit.ByOpsRequest)).To(BeFalse())

		Expect(e.fixture.Restore(ctx, fixture.Request{Backup: backupOf(plain), Cluster: "predicted-ops", ByOpsRequest: true})).To(Succeed())

		Expect(e.fixture.WaitRunning(ctx, "predicted-ops")).To(Succeed())
		Expect(e.fixture.DeleteCluster(ctx, "predicted-ops")).To(Succeed())
	}, SpecTimeout(specTimeout))

	It("is predicted by an audit: a restore hangs by OpsRequest for the rule of an instance template", Label("nightly"), func(ctx SpecContext) {
		e.backUp(ctx, fixture.Source{Name: "my9", InstanceTemplate: "hot"}, backupOf("my9"))
		Expect(e.audit(ctx, backupOf("my9")).HangsOn(audit.ByOpsRequest)).To(BeTrue())

		c := e.restoreInto(ctx, e.fixture, "my9", fixture.Request{Backup: backupOf("my9"), Cluster: "predicted-hot", ByOpsRequest: true})

		c.expectTemplateStuck(ctx)
		Expect(e.fixture.DeleteCluster(ctx, c.name)).To(Succeed())
	}, SpecTimeout(specTimeout))
}

// audit judges a Backup as `rehome audit` does, from its metadata and the nodes.
func (e *testEnv) audit(ctx context.Context, name string) *audit.Verdict {
	GinkgoHelper()
	object, err := e.fixture.BackupObject(ctx, name)
	Expect(err).NotTo(HaveOccurred())
	data, err := json.Marshal(object.Object)
	Expect(err).NotTo(HaveOccurred())
	var backup kubeblocks.Backup
	Expect(json.Unmarshal(data, &backup)).To(Succeed())
	var nodes corev1.NodeList
	Expect(e.fixture.Client.List(ctx, &nodes)).To(Succeed())
	facts := audit.Facts{Version: kubeblocks.V09}
	if e.version.RewritesOpsRequest {
		facts.Version = kubeblocks.V10
	}
	for i := range nodes.Items {
		facts.Nodes = append(facts.Nodes, audit.Trim(&nodes.Items[i]))
	}
	return audit.NewJudge(facts).Backup(&backup)
}
