package e2e

import (
	"context"
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// The names that the shapes of testdata/differential are written with.
const (
	differentialSource = "my1"
	differentialTarget = "kiwi"
	differentialBackup = "bp1"
)

var _ = Describe("The differential table", Label("v1.0.2"), Ordered, func() {
	s := useStage("v1.0.2", nil)

	It("is what docs/differential.md shows", func(ctx SpecContext) {
		shapes, err := readShapes()
		Expect(err).NotTo(HaveOccurred())
		s.backUp(ctx, fixture.Source{Name: differentialSource}, differentialBackup)

		trials := s.restoreAll(ctx, shapes)

		page, err := renderPage(trials)
		Expect(err).NotTo(HaveOccurred())
		expectPage(page)
	}, SpecTimeout(specTimeout))
})

// trial is a shape and what KubeBlocks made of it.
type trial struct {
	shape
	// from has the Backup, to the Cluster restored from it.
	from, to *fixture.World
	backup   *unstructured.Unstructured
	// snapshot is the source in the Backup, restored the Cluster that KubeBlocks created; both are JSON.
	snapshot, restored []byte
}

// restoreAll restores a backup of every shape. Every shape has a namespace of its own, so that KubeBlocks can work on all
// at once, and every copy can have the same name.
func (s *stage) restoreAll(ctx context.Context, shapes []shape) []*trial {
	GinkgoHelper()
	original, err := s.world.Snapshot(ctx, differentialBackup)
	Expect(err).NotTo(HaveOccurred())
	trials := make([]*trial, len(shapes))
	By("writing the backups")
	for i := range shapes {
		trials[i] = s.prepare(ctx, original, shapes[i])
	}
	// Not before all backups are written: KubeBlocks gives up a restore whose backup its cache does not hold yet.
	By("restoring them")
	for _, t := range trials {
		Expect(t.to.RestoreFrom(ctx, t.from, differentialBackup, differentialTarget)).To(Succeed())
	}
	By("reading what KubeBlocks makes of them")
	for _, t := range trials {
		t.readRestored(ctx)
	}
	return trials
}

// prepare writes the backup of a shape.
func (s *stage) prepare(ctx context.Context, original *unstructured.Unstructured, about shape) *trial {
	GinkgoHelper()
	t := &trial{shape: about}
	var err error
	t.from, err = s.world.In(ctx, about.From)
	Expect(err).NotTo(HaveOccurred())
	t.to, err = s.world.In(ctx, about.To)
	Expect(err).NotTo(HaveOccurred())
	t.snapshot, err = about.snapshotLike(original)
	Expect(err).NotTo(HaveOccurred())
	t.backup, err = t.from.CopyBackup(ctx, s.world, differentialBackup, t.snapshot)
	Expect(err).NotTo(HaveOccurred())
	return t
}

// readRestored takes the Cluster as soon as there is one, and has it deleted: its rules are final, and it need not run.
func (t *trial) readRestored(ctx context.Context) {
	GinkgoHelper()
	cluster, err := t.to.WaitRestoring(ctx, differentialTarget)
	Expect(err).NotTo(HaveOccurred(), "shape %s", t.Name)
	t.restored, err = json.Marshal(cluster)
	Expect(err).NotTo(HaveOccurred())
	Expect(t.to.DeleteCluster(ctx, differentialTarget)).To(Succeed())
}
