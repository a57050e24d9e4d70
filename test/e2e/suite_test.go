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

// buildTimeout bounds the build of Rehome with an empty build cache.
const buildTimeout = 10 * time.Minute

// rehomeBinary is the path of Rehome's program. One process builds it before all processes run specs.
var rehomeBinary string

var _ = SynchronizedBeforeSuite(func(ctx SpecContext) []byte {
	binary, err := rehome.Build(ctx)
	Expect(err).NotTo(HaveOccurred())
	return []byte(binary)
}, func(binary []byte) { rehomeBinary = string(binary) }, NodeTimeout(buildTimeout))

func TestEndToEnd(t *testing.T) {
	ctrllog.SetLogger(logr.Discard()) // the log of client libraries would hide the reports
	RegisterFailHandler(Fail)
	RunSpecs(t, "Rehome beside the real KubeBlocks")
}
