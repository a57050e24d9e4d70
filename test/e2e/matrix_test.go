package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
)

// plain is the source of every spec that needs no special source.
const plain = "my1"

// otherNamespace is the second namespace that the specs use.
const otherNamespace = "elsewhere"

// mode says in which namespaces Rehome has rights.
type mode struct {
	name       string
	namespaces []string // none means all
}

// Each pair of version and mode is an Ordered container with one control plane, because its start is slow. All specs of the pair
// share it. Two pairs run in the gate: together they have the newest and the oldest version, and both modes. The others have the
// label nightly.
var _ = Describe("KubeBlocks", func() {
	everywhere := mode{name: "all namespaces"}
	two := mode{"two namespaces", []string{metav1.NamespaceDefault, otherNamespace}}
	versions := kubeblocks.Versions()
	newest, oldest := versions[0], versions[len(versions)-1]
	for _, version := range versions {
		describePair(version, everywhere, version == newest)
		describePair(version, two, version == oldest)
	}
})

func describePair(version kubeblocks.Version, m mode, gate bool) {
	labels := Label(version.Name)
	if !gate {
		labels = append(labels, "nightly")
	}
	Describe(version.Name+" in "+m.name, Ordered, ContinueOnFailure, labels, func() {
		e := useTestEnv(version, m)
		BeforeAll(func(ctx SpecContext) {
			e.backUp(ctx, fixture.Source{Name: plain}, backupOf(plain))
		}, NodeTimeout(specTimeout))

		Describe("Rehome", Label("scenarios"), e.scenarios)
		if version != kubeblocks.Versions()[0] {
			return
		}
		if len(m.namespaces) == 0 { // Rehome does not run in this spec
			Describe("The differential table", Label("differential"), e.differentialTable)
		}
		Describe("A remediation", Label("races"), e.races)
		Describe("Prometheus", Label("monitoring"), e.monitoring)
	})
}

// scenarios are all states in which a restore can be stuck. Each spec restores under a name of its own, starts Rehome when the restore
// is stuck, and stops it.
func (e *testEnv) scenarios() {
	BeforeAll(func() {
		// Before the other specs: an API server that was restarted refuses requests until it has read the roles.
		DeferCleanup(e.expectNothingForbidden)
	})
	e.fromManifest()
	e.allStuck()
	e.opsRequest()
	e.partlyStuck()
	e.serial()
	e.ruleInTemplate()
	e.componentWithoutBackup()
	e.databasePodsStuck()
	e.inOtherNamespace()
	e.podDeletedByHand()
	e.lostSpread()
	e.keptSpread()
	e.prevented()
}
