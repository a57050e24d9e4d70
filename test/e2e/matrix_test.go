package e2e

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/test/controlplane/provisioner"
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

// pair is what the specs of a container share: a version of KubeBlocks, the Namespaces of Rehome, and what volumes are tied to.
type pair struct {
	version  kubeblocks.Version
	mode     mode
	topology provisioner.Topology
}

func (p pair) title() string {
	return fmt.Sprintf("%s in %s with %s volumes", p.version.Name, p.mode.name, p.volumes())
}

// volumes is also a label of the specs.
func (p pair) volumes() string {
	if p.tied() {
		return string(p.topology) + "-tied"
	}
	return string(p.topology)
}

// tied says that a database Pod can only run where its volume was restored.
func (p pair) tied() bool { return p.topology != provisioner.Free }

// Each pair is an Ordered container with one control plane, because its start is slow. Its scenarios share it. Three of them run in the gate:
// one beside the oldest version, and two beside the newest, which share its specs. Together they have both modes, and volumes that are tied
// to nodes and to zones. The other pairs have the label nightly: each version with each kind of volumes, and each version in two Namespaces.
var _ = Describe("KubeBlocks", func() {
	everywhere := mode{name: "all namespaces"}
	two := mode{"two namespaces", []string{metav1.NamespaceDefault, otherNamespace}}
	versions := kubeblocks.Versions()
	newest, oldest := versions[0], versions[len(versions)-1]
	for _, version := range versions {
		for _, topology := range provisioner.Topologies() {
			p := pair{version, everywhere, topology}
			if version == newest && topology == provisioner.Node {
				describePair(p, "", true, (*testEnv).shortScenarios)
				describePair(p, "other specs", true, (*testEnv).otherSpecs)
			} else {
				describePair(p, "", false, (*testEnv).allScenarios)
			}
		}
		describePair(pair{version, two, provisioner.Zone}, "", version == oldest, (*testEnv).allScenarios)
		describePair(pair{version, everywhere, provisioner.Node}, "documentation", false, (*testEnv).documentation)
		if version == newest || version == oldest {
			describePair(pair{version, everywhere, provisioner.Free}, "predictions", false, (*testEnv).predictions)
		}
	}
	describePair(pair{newest, two, provisioner.Zone}, "other specs", false, (*testEnv).rareSpecs)
})

// describePair describes a container. part names what it runs instead of the scenarios.
func describePair(p pair, part string, gate bool, specs func(*testEnv)) {
	name := p.title()
	if part != "" {
		name += ", " + part
	}
	Describe(name, Ordered, ContinueOnFailure, Label(p.version.Name, p.volumes()), nightlyUnless(gate), func() {
		e := useTestEnv(p, name)
		BeforeAll(func(ctx SpecContext) {
			e.backUp(ctx, fixture.Source{Name: plain}, backupOf(plain))
		}, NodeTimeout(specTimeout))
		specs(e)
	})
}

// otherSpecs are those that have a control plane beside that of the short scenarios. Both take about as long.
func (e *testEnv) otherSpecs() {
	e.describeScenarios(e.addLongScenarios)
	Describe("The differential table", Label("differential"), e.differentialTable)
	e.describeWebhook()
	e.describeMonitoring()
}

// rareSpecs are those that run beside one version only.
func (e *testEnv) rareSpecs() {
	Describe("A remediation", Label("races"), e.races)
	e.describeMonitoring()
}

func (e *testEnv) allScenarios() {
	e.describeScenarios(func() {
		e.addShortScenarios()
		e.addLongScenarios()
	})
	e.describeWebhook()
}

func (e *testEnv) shortScenarios() { e.describeScenarios(e.addShortScenarios) }

func (e *testEnv) describeMonitoring() {
	Describe("Prometheus", Label("monitoring"), e.monitoring)
}

func (e *testEnv) describeWebhook() {
	Describe("The webhook", Label("scenarios", "webhook"), e.webhook)
}

// describeScenarios describes states in which a restore can be stuck. Each spec restores under a name of its own, starts Rehome when the
// restore is stuck, and stops it.
func (e *testEnv) describeScenarios(add func()) {
	Describe("Rehome", Label("scenarios"), func() {
		BeforeAll(func() { DeferCleanup(e.expectNothingForbidden) })
		add()
	})
}

func (e *testEnv) addShortScenarios() {
	e.allStuck()
	e.opsRequest()
	e.partlyStuck()
	e.serial()
	e.ruleInTemplate()
	e.databasePodsStuck()
	e.inOtherNamespace()
	e.podDeletedByHand()
	e.lostSpread()
}

func (e *testEnv) addLongScenarios() {
	e.fromManifest()
	e.componentWithoutBackup()
	e.keptSpread()
}
