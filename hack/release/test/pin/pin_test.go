// Package pin tests that a release of placement requires the product of the same commit.
package pin

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/hack/release/test"
)

func TestAReleaseIsPinned(t *testing.T) {
	g := NewWithT(t)
	clone := test.Clone(t)
	g.Expect(check(t, clone)).To(BeEmpty())
	g.Expect(os.ReadFile(filepath.Join(clone, "placement", "go.mod"))).NotTo(ContainSubstring("replace"))

	t.Run("refuses the product of another commit", func(t *testing.T) {
		file := filepath.Join(clone, "main.go")
		text, err := os.ReadFile(file)
		g := NewWithT(t)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(os.WriteFile(file, append(text, "// More.\n"...), 0o600)).To(Succeed())
		test.Commit(t, clone, "Change the product")
		g.Expect(check(t, clone)).To(ContainSubstring("placement/go.sum has another github.com/rehome-operator/rehome " + test.Version))
	})

	t.Run("refuses a product that is replaced", func(t *testing.T) {
		g := NewWithT(t)
		edit := exec.CommandContext(t.Context(), "go", "mod", "edit", "-replace=github.com/rehome-operator/rehome=..")
		edit.Dir = filepath.Join(clone, "placement")
		g.Expect(edit.Run()).To(Succeed())
		g.Expect(check(t, clone)).To(ContainSubstring("placement/go.mod does not require github.com/rehome-operator/rehome " + test.Version))
	})
}

// check returns what the check of a release says of a clone. It is empty if the check passes.
func check(t *testing.T, clone string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(clone, "hack/release/pin.sh"), "check", test.Version).CombinedOutput()
	NewWithT(t).Expect(err != nil).To(Equal(len(out) > 0), "%v: %s", err, out)
	return string(out)
}
