package cli

import (
	"runtime"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestVersionPrintsOneLine(t *testing.T) {
	g := NewWithT(t)
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	root := NewRoot("rehome", nil, newVersion(streams, noCluster()))
	root.SetArgs([]string{"version", "--client"})

	g.Expect(root.Execute()).To(Succeed())
	g.Expect(out.String()).To(Equal("rehome " + Version() + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + "\n"))
}

func TestUnknownCommandIsAnError(t *testing.T) {
	g := NewWithT(t)
	root := NewRoot("rehome", nil, NewVersion(genericiooptions.NewTestIOStreamsDiscard()))
	root.SetArgs([]string{"no-such-command"})

	g.Expect(root.Execute()).To(MatchError(ContainSubstring(`unknown command "no-such-command"`)))
}
