package e2e

import (
	. "github.com/onsi/ginkgo/v2"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
)

// plain is the source of every scenario that needs nothing special of it.
const plain = "my1"

// What can happen to a restore, in every version of KubeBlocks. The scenarios follow each other on one stage: each restores
// under a name of its own, starts Rehome when the trouble is there, and stops it again.
var _ = Describe("Restores by KubeBlocks", Label("scenarios"), func() {
	for _, version := range kubeblocks.Names() {
		inEachMode(version, func(watched []string) {
			e := useTestEnv(version, watched)
			BeforeAll(func(ctx SpecContext) {
				DeferCleanup(e.expectNothingForbidden)
				e.backUp(ctx, fixture.Source{Name: plain}, backupOf(plain))
			}, NodeTimeout(specTimeout))
			e.allStuck()
			e.partlyStuck()
			e.serial()
			e.ruleInTemplate()
			e.componentWithoutBackup()
			e.databasePodsStuck()
			e.otherNamespace()
			e.podDeletedByHand()
			e.lostSpread()
			e.keptSpread()
		}, Label(version), ContinueOnFailure)
	}
})
