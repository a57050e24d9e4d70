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
			s := useStage(version, watched)
			BeforeAll(func(ctx SpecContext) {
				DeferCleanup(s.expectNothingForbidden)
				s.backUp(ctx, fixture.Source{Name: plain}, backupOf(plain))
			}, NodeTimeout(specTimeout))
			s.whollyStuck()
			s.halfStuck()
			s.serial()
			s.ruleInTemplate()
			s.componentWithoutBackup()
			s.databaseStuck()
			s.elsewhere()
			s.helpedByHand()
			s.lostSpread()
			s.early()
		}, Label(version), ContinueOnFailure)
	}
})
