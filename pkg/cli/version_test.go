package cli

import (
	"bytes"
	"runtime"
	"testing"

	. "github.com/onsi/gomega"
)

func TestVersionPrintsOneLine(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	root := NewRoot(NewVersion())
	root.SetOut(&out)
	root.SetArgs([]string{"version"})

	g.Expect(root.Execute()).To(Succeed())
	g.Expect(out.String()).To(Equal("rehome " + Version() + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + "\n"))
}

func TestUnknownCommandIsAnError(t *testing.T) {
	g := NewWithT(t)
	root := NewRoot(NewVersion())
	root.SetArgs([]string{"no-such-command"})

	g.Expect(root.Execute()).To(MatchError(ContainSubstring(`unknown command "no-such-command"`)))
}
