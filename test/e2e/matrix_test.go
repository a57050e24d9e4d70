package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
)

// otherNamespace is the second namespace that the specs use.
const otherNamespace = "elsewhere"

// mode says in which namespaces Rehome has rights.
type mode struct {
	name       string
	namespaces []string // none means all
}

// Each pair of version and mode is an Ordered container with one control plane, because its start is slow. Its scenarios share it.
// Two pairs run in the gate: together they have the newest and the oldest version, and both modes. The others have the label nightly.
// What only the newest version shows has a control plane of its own, so that it runs beside the scenarios.
var _ = Describe("KubeBlocks", func() {
	everywhere := mode{name: "all namespaces"}
	two := mode{"two namespaces", []string{metav1.NamespaceDefault, otherNamespace}}
	versions := kubeblocks.Versions()
	newest, oldest := versions[0], versions[len(versions)-1]
	for _, version := range versions {
		describePair(version, everywhere, version == newest, (*testEnv).scenarios)
		describePair(version, two, version == oldest, (*testEnv).scenarios)
		if version != newest {
			describePair(version, mode{name: "all namespaces, documentation"}, false, (*testEnv).documentation)
		}
	}
	describePair(newest, mode{name: "all namespaces, other specs"}, true, (*testEnv).otherSpecs)
	describePair(newest, mode{"two namespaces, other specs", two.namespaces}, false, (*testEnv).otherSpecs)
})

func describePair(version kubeblocks.Version, m mode, gate bool, specs func(*testEnv)) {
	labels := Label(version.Name)
	if !gate {
		labels = append(labels, "nightly")
	}
	Describe(version.Name+" in "+m.name, Ordered, ContinueOnFailure, labels, func() {
		e := useTestEnv(version, m)
		BeforeAll(func(ctx SpecContext) {
			e.backUp(ctx, fixture.Source{Name: plain}, backupOf(plain))
		}, NodeTimeout(specTimeout))
		specs(e)
	})
}

// otherSpecs are those that run beside one version only.
func (e *testEnv) otherSpecs() {
	if len(e.mode.namespaces) == 0 { // Rehome does not run in this spec
		Describe("The differential table", Label("differential"), e.differentialTable)
		e.documentation()
	}
	Describe("A remediation", Label("races"), e.races)
	Describe("Prometheus", Label("monitoring"), e.monitoring)
}

// scenarios are all states in which a restore can be stuck. Each spec restores under a name of its own, starts Rehome when the restore
// is stuck, and stops it.
func (e *testEnv) scenarios() {
	Describe("Rehome", Label("scenarios"), e.describeScenarios)
	Describe("The webhook", Label("scenarios", "webhook"), e.webhook)
}

func (e *testEnv) describeScenarios() {
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
	e.auditPredicts()
}
