package e2e

import (
	"context"
	"os"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/provisioner"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
	"github.com/rehome-operator/rehome/test/e2e/audit"
	"github.com/rehome-operator/rehome/test/e2e/chart"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
	"github.com/rehome-operator/rehome/test/e2e/program"
)

const (
	// startTimeout bounds the start of a control plane and of KubeBlocks.
	startTimeout = 3 * time.Minute
	// specTimeout bounds a spec. Every wait in it has a shorter timeout of its own.
	specTimeout = 4 * time.Minute
)

// testEnv is a control plane with KubeBlocks and the chart of Rehome. All but pair is nil until its container starts.
type testEnv struct {
	pair
	name string

	controlPlane *controlplane.ControlPlane
	kubeBlocks   *kubeblocks.Running
	rehome       *chart.Release
	// fixture is the namespace default, in which all sources run.
	fixture *fixture.Env
}

// useTestEnv starts a testEnv before the specs of an Ordered container and stops it after them. When a spec fails, its report describes
// the objects.
func useTestEnv(p pair, name string) *testEnv {
	e := &testEnv{pair: p, name: name}
	BeforeAll(func(ctx SpecContext) {
		// Not in an AfterAll: that runs before the cleanup of the last spec, which needs the API server.
		DeferCleanup(e.stop)
		DeferCleanup(e.expectOnlyRightDeletions)
		e.start(ctx)
	}, NodeTimeout(startTimeout))
	JustAfterEach(func(ctx SpecContext) {
		if CurrentSpecReport().Failed() {
			e.report(ctx)
		}
	})
	return e
}

func (e *testEnv) start(ctx context.Context) {
	cache, err := kubeblocks.CacheDir()
	Expect(err).NotTo(HaveOccurred())
	programs, err := e.version.Programs(cache)
	Expect(err).NotTo(HaveOccurred())

	By("starting a control plane")
	e.controlPlane, err = controlplane.Start(ctx, controlplane.Options{
		Nodes:       fixture.Nodes(),
		LogDir:      e.logDir(),
		KwokConfig:  fixture.Stages(),
		AuditPolicy: audit.Policy(),
	})
	Expect(err).NotTo(HaveOccurred())

	By("starting a provisioner of volumes")
	stop, err := provisioner.Start(e.controlPlane.Config())
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(stop)

	By("starting KubeBlocks")
	Expect(e.version.Install(ctx, e.controlPlane.Config())).To(Succeed())
	e.kubeBlocks, err = kubeblocks.Start(ctx, e.controlPlane, programs)
	Expect(err).NotTo(HaveOccurred())

	e.fixture, err = fixture.New(e.controlPlane.Config(), e.version)
	Expect(err).NotTo(HaveOccurred())
	e.fixture.Topology = e.topology
	Expect(e.fixture.Install(ctx)).To(Succeed())

	By("installing Rehome")
	e.rehome, err = chart.Install(ctx, e.controlPlane, e.mode.namespaces...)
	Expect(err).NotTo(HaveOccurred())
}

func (e *testEnv) stop() error {
	if e.controlPlane == nil {
		return nil
	}
	return e.controlPlane.Stop()
}

// logDir returns an empty folder for the logs, which stay there until the next run.
func (e *testEnv) logDir() string {
	GinkgoHelper()
	dir, err := repository.Cache("e2e", strings.NewReplacer(",", "", " ", "-").Replace(e.name))
	Expect(err).NotTo(HaveOccurred())
	Expect(os.RemoveAll(dir)).To(Succeed())
	return dir
}

// addNode adds a node. Its cleanup cordons it, so that later specs do not use it.
func (e *testEnv) addNode(ctx context.Context, node controlplane.Node) {
	GinkgoHelper()
	By("adding node " + node.Name)
	Expect(e.controlPlane.AddNode(ctx, node)).To(Succeed())
	DeferCleanup(func(ctx context.Context) error { return e.fixture.Cordon(ctx, node.Name) })
}

// runRehome runs Rehome until the end of the spec.
func (e *testEnv) runRehome(ctx context.Context, flags ...string) *program.Program {
	GinkgoHelper()
	By("starting Rehome")
	p, err := e.rehome.Start(ctx, rehomeBinary, flags...)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(p.Stop)
	return p
}
