package e2e

import (
	"context"
	"os/exec"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// fromManifest proves that the output of `rehome rewrite` restores data: a Cluster without the right reference would run, too, and empty.
func (e *testEnv) fromManifest() {
	It("is not needed for a Cluster that its command line made", func(ctx SpecContext) {
		c := &restoredCluster{testEnv: e, name: "made", source: plain, backup: backupOf(plain), targetEnv: e.fixture}
		c.record(ctx)
		manifest := e.rewrite(ctx, "backup/"+c.backup, "--to", c.name)

		By("creating the Cluster as it was printed")
		Expect(e.fixture.CreateStrictly(ctx, manifest)).To(Succeed())

		By("waiting for Jobs that restore the Backup")
		Expect(e.fixture.WaitRestorePodsScheduled(ctx, c.name, fixture.Replicas)).To(Succeed())
		restores, err := e.fixture.Restores(ctx, c.name)
		Expect(err).NotTo(HaveOccurred())
		Expect(restores).NotTo(BeEmpty())
		for i := range restores {
			backup, _, _ := unstructured.NestedString(restores[i].Object, "spec", "backup", "name")
			Expect(backup).To(Equal(c.backup))
		}
		c.expectRunning(ctx)
		c.expectSpread(ctx, fixture.Component)
	}, SpecTimeout(specTimeout))
}

// rewrite returns what `rehome rewrite` prints. It reads the API server and no file.
func (e *testEnv) rewrite(ctx context.Context, args ...string) []byte {
	GinkgoHelper()
	cmd := exec.CommandContext(ctx, rehomeBinary, append([]string{"rewrite", "--kubeconfig", e.controlPlane.Kubeconfig()}, args...)...)
	cmd.Stderr = GinkgoWriter
	out, err := cmd.Output()
	Expect(err).NotTo(HaveOccurred())
	GinkgoWriter.Printf("%s", out)
	return out
}
