package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/test/controlplane/repository"
	"github.com/rehome-operator/rehome/test/e2e/chart"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
	"github.com/rehome-operator/rehome/test/e2e/pages"
)

// The names in the examples of the documentation.
const (
	documentedBackup    = "bp1"
	documentedLarge     = "bp5" // has more Pods than there are nodes
	documentedCluster   = "carrot67"
	documentedNamespace = "databases"
)

// documentationTimeout bounds the spec, which runs about a hundred commands.
const documentationTimeout = 6 * time.Minute

// documentation runs all commands of README and docs, as they are printed.
func (e *testEnv) documentation() { Describe("The documentation", Label("documentation"), e.commands) }

func (e *testEnv) commands() {
	It("has only commands that work", func(ctx SpecContext) {
		r := e.newReader(ctx)
		r.backUpDocumented(ctx)
		r.run(ctx, pages.Planned)
		Expect(os.RemoveAll(filepath.Join(r.dir, "dump"))).To(Succeed(), "another page makes it, too")
		c := r.restoreDocumented(ctx)

		e.uninstallRehome(ctx)
		r.run(ctx, pages.KustomizeInstall)
		r.run(ctx, pages.KustomizeRemove)
		for _, trial := range r.plans.In(pages.Trial) {
			r.runAll(ctx, pages.Plans{trial})
			r.run(ctx, pages.Remove)
		}
		r.run(ctx, pages.Install)
		r.run(ctx, pages.Upgrade)

		stop := e.runInstalled(ctx)
		c.expectRehomed(ctx)
		r.name(ctx, c)
		r.run(ctx, pages.Documented)
		r.run(ctx, pages.Restored)
		r.run(ctx, pages.WebhookOff)
		Expect(stop()).To(Succeed())
		r.run(ctx, pages.Remove)

		if len(r.failures) > 0 {
			Fail(strings.Join(r.failures, "\n"))
		}
	}, SpecTimeout(documentationTimeout))
}

// newReader returns a reader in a folder with what a clone of the repository has.
func (e *testEnv) newReader(ctx context.Context) *reader {
	GinkgoHelper()
	root, err := repository.Root()
	Expect(err).NotTo(HaveOccurred())
	plans, err := pages.Read(root)
	Expect(err).NotTo(HaveOccurred())
	r := &reader{testEnv: e, plans: plans, dir: GinkgoT().TempDir(), values: map[string]string{
		"NAMESPACE":                 e.fixture.Namespace,
		"CLUSTER":                   documentedCluster,
		"COMPONENT":                 documentedCluster + "-" + fixture.Component,
		"POD":                       documentedCluster + "-" + fixture.Component + "-0",
		"SOURCE":                    plain,
		"REGISTRY":                  "registry.example.com",
		"COMMIT":                    "0123456789abcdef",
		"REHOME_NAMESPACE":          "rehome-system",
		"PROMETHEUS_NAMESPACE":      "monitoring",
		"PROMETHEUS_ACCOUNT":        "prometheus-k8s",
		"-n " + documentedNamespace: "-n " + e.fixture.Namespace, // where the Backups are
	}}
	for _, folder := range []string{"charts", "config"} {
		Expect(os.Symlink(filepath.Join(root, folder), filepath.Join(r.dir, folder))).To(Succeed())
	}
	r.installPrograms()
	files := filepath.Join(root, "test/e2e/testdata/documentation")
	r.mustRun(ctx, "kubectl apply -f "+filepath.Join(files, "monitoring.yaml"))
	Expect(os.Symlink(filepath.Join(files, "new-nodes.yaml"), filepath.Join(r.dir, "new-nodes.yaml"))).To(Succeed())
	return r
}

// backUpDocumented makes the Backups of the examples.
func (r *reader) backUpDocumented(ctx context.Context) {
	GinkgoHelper()
	Expect(r.fixture.Backup(ctx, plain, documentedBackup)).To(Succeed())
	Expect(r.fixture.Backup(ctx, plain, documentedLarge)).To(Succeed())
	var nodes corev1.NodeList
	Expect(r.fixture.Client.List(ctx, &nodes)).To(Succeed())
	Expect(r.fixture.SetSnapshotReplicas(ctx, documentedLarge, len(nodes.Items)+2)).To(Succeed())
}

// restoreDocumented lets the restore of the examples hang, and creates the other namespace of the examples.
func (r *reader) restoreDocumented(ctx context.Context) *restoredCluster {
	GinkgoHelper()
	_, err := r.fixture.In(ctx, documentedNamespace)
	Expect(err).NotTo(HaveOccurred())

	c := r.restoreInto(ctx, r.fixture, plain, fixture.Request{Backup: documentedBackup, Cluster: documentedCluster})
	_, err = r.fixture.WaitRestorePodsUnschedulable(ctx, c.name, fixture.Replicas)
	Expect(err).NotTo(HaveOccurred())
	c.record(ctx)
	return c
}

// uninstallRehome removes the chart until the end of the spec.
func (e *testEnv) uninstallRehome(ctx context.Context) {
	GinkgoHelper()
	By("removing what the test installed")
	Expect(e.rehome.Uninstall(ctx)).To(Succeed())
	DeferCleanup(func(ctx context.Context) (err error) {
		e.rehome, err = chart.Install(ctx, e.controlPlane, e.mode.namespaces...)
		return err
	})
}

// runInstalled runs the program that Helm installed, and returns how to stop it.
func (e *testEnv) runInstalled(ctx context.Context) (stop func() error) {
	GinkgoHelper()
	installed, err := chart.Installed(ctx, e.controlPlane)
	Expect(err).NotTo(HaveOccurred())
	webhook, err := installed.ServeWebhook(ctx)
	Expect(err).NotTo(HaveOccurred())
	By("starting what Helm installed")
	p, err := installed.Start(ctx, rehomeBinary, webhook)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(p.Stop)
	return p.Stop
}

// name adds what is known after the restore: the name of the Restore that the examples print.
func (r *reader) name(ctx context.Context, c *restoredCluster) {
	GinkgoHelper()
	restores, err := c.targetEnv.Restores(ctx, c.name)
	Expect(err).NotTo(HaveOccurred())
	Expect(restores).To(HaveLen(1))
	r.values["RESTORE"] = restores[0].GetName()
	r.values["carrot67-mysql-c4731545-preparedata"] = restores[0].GetName()
}

// isDocumentedVersion reports whether the examples in the documentation are of this version, the newest.
func (e *testEnv) isDocumentedVersion() bool { return e.version == kubeblocks.Versions()[0] }
