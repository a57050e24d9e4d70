package e2e

import (
	"context"
	"os"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
	"github.com/rehome-operator/rehome/test/e2e/audit"
	"github.com/rehome-operator/rehome/test/e2e/chart"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
)

const (
	// startTimeout bounds the start of a control plane and of KubeBlocks.
	startTimeout = 3 * time.Minute
	// specTimeout bounds a spec, whose waits are all bounded closer.
	specTimeout = 4 * time.Minute
)

// stage is a control plane on which a version of KubeBlocks runs, for the
// specs of one container.
type testEnv struct {
	controlPlane *controlplane.ControlPlane
	kubeBlocks   *kubeblocks.Running
	rehome       *chart.Release
	// watched are the namespaces in which Rehome has rights; none for all.
	watched []string
	fixture *fixture.Env
}

// few are the namespaces that the specs use.
var few = []string{"default", "elsewhere"}

// inEachMode describes something in two Ordered containers: with rights of Rehome in all namespaces, and, for the night, in few.
func inEachMode(text string, specs func(watched []string), decorators ...any) bool { //nolint:unparam // `var _ =` needs a value, as with Describe.
	decorators = append(decorators, Ordered)
	Describe(text, decorators, func() { specs(nil) })
	return Describe(text+" in few namespaces", decorators, Label("nightly"), func() { specs(few) })
}

// useTestEnv sets up a stage before the specs of an Ordered container and takes
// it down after them. The stage is empty until then. When a spec fails, its
// report says in what state the stage is.
//
// Rehome has the rights that its chart gives it, in the namespaces given or in all.
func useTestEnv(version string, watched []string) *testEnv {
	e := &testEnv{watched: watched}
	BeforeAll(func(ctx SpecContext) {
		// Not in an AfterAll, which comes before the clean-up of the last spec: that needs the stage.
		DeferCleanup(e.stop)
		DeferCleanup(e.expectOnlyRightDeletions)
		e.start(ctx, version)
	}, NodeTimeout(startTimeout))
	JustAfterEach(func(ctx SpecContext) {
		if CurrentSpecReport().Failed() {
			e.report(ctx)
		}
	})
	return e
}

func (e *testEnv) start(ctx context.Context, name string) {
	version, err := kubeblocks.Find(name)
	Expect(err).NotTo(HaveOccurred())
	cache, err := kubeblocks.CacheDir()
	Expect(err).NotTo(HaveOccurred())
	programs, err := version.Programs(cache)
	Expect(err).NotTo(HaveOccurred())

	By("starting a control plane")
	e.controlPlane, err = controlplane.Start(ctx, controlplane.Options{
		Nodes:       fixture.Nodes(),
		LogDir:      logDir(),
		KwokConfig:  fixture.Stages(),
		AuditPolicy: audit.Policy(),
	})
	Expect(err).NotTo(HaveOccurred())

	By("starting KubeBlocks")
	Expect(version.Install(ctx, e.controlPlane.Config())).To(Succeed())
	e.kubeBlocks, err = kubeblocks.Start(ctx, e.controlPlane, programs)
	Expect(err).NotTo(HaveOccurred())

	e.fixture, err = fixture.New(e.controlPlane.Config(), version)
	Expect(err).NotTo(HaveOccurred())
	Expect(e.fixture.Install(ctx)).To(Succeed())

	By("installing Rehome")
	e.rehome, err = chart.Install(ctx, e.controlPlane, e.watched...)
	Expect(err).NotTo(HaveOccurred())
}

func (e *testEnv) stop() error {
	if e.controlPlane == nil {
		return nil
	}
	return e.controlPlane.Stop()
}

// backUp runs a source and backs it up.
func (e *testEnv) backUp(ctx context.Context, source fixture.Source, backup string) {
	GinkgoHelper()
	By("running and backing up " + source.Name)
	Expect(e.fixture.CreateSource(ctx, source)).To(Succeed())
	Expect(e.fixture.WaitRunning(ctx, source.Name)).To(Succeed())
	Expect(e.fixture.Backup(ctx, source.Name, backup)).To(Succeed())
}

// logDir returns an empty folder for the logs of the stage of the current container, which stay there until the next run.
func logDir() string {
	GinkgoHelper()
	container := strings.Join(CurrentSpecReport().ContainerHierarchyTexts, " ")
	dir, err := repository.Cache("e2e", strings.ReplaceAll(container, " ", "-"))
	Expect(err).NotTo(HaveOccurred())
	Expect(os.RemoveAll(dir)).To(Succeed())
	return dir
}
