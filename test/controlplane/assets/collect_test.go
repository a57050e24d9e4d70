package assets

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/controlplane/progress"
)

func TestCollectPrefersOwnPrograms(t *testing.T) {
	g := NewWithT(t)
	own, dir := t.TempDir(), t.TempDir()
	for program := range durations {
		g.Expect(os.WriteFile(filepath.Join(own, program), []byte("own"), 0o755)).To(Succeed())
	}

	g.Expect(Missing(own)).To(BeEmpty())
	g.Expect(Collect(t.Context(), own, dir, progress.New(io.Discard))).To(Succeed())

	for program := range durations {
		g.Expect(os.ReadFile(filepath.Join(dir, program))).To(BeEquivalentTo("own"))
	}
	g.Expect(os.ReadFile(filepath.Join(dir, Stages))).To(ContainSubstring("kind: Stage"))
}

func TestAFolderOfOwnProgramsThatIsNotThereIsAnError(t *testing.T) {
	_, err := Missing("bin")

	NewWithT(t).Expect(err).To(MatchError("KUBEBUILDER_ASSETS must be the absolute path of a folder: stat bin: no such file or directory"))
	_, err = Missing("")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}

func TestEveryProgramHasAnEstimate(t *testing.T) {
	g := NewWithT(t)
	p, err := locatePins()
	g.Expect(err).NotTo(HaveOccurred())
	for _, target := range p.targets() {
		g.Expect(durations).To(HaveKey(filepath.Base(target.Output)))
	}
	g.Expect(durations).To(HaveLen(len(p.targets())))
}
