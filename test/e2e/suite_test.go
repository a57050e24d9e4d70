package e2e

import (
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

// The program is built before several processes run specs at once.
var _ = SynchronizedBeforeSuite(func(ctx SpecContext) {
	_, err := rehome.Build(ctx)
	Expect(err).NotTo(HaveOccurred())
}, func() {}, NodeTimeout(buildTimeout))

// buildTimeout bounds the build of Rehome when nothing of it is in Go's build cache.
const buildTimeout = 10 * time.Minute

func TestEndToEnd(t *testing.T) {
	// What the client libraries log would be noise between the reports.
	ctrllog.SetLogger(logr.Discard())
	RegisterFailHandler(Fail)
	RunSpecs(t, "Rehome beside the real KubeBlocks")
}
