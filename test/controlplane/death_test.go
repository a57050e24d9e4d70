package controlplane_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/controlplane"
)

// dyingParent is a variable. With it, the test binary starts a control plane, and then panics or waits to be killed.
const dyingParent = "CONTROLPLANE_TEST_DYING_PARENT"

const (
	byPanic = "panic"
	byKill  = "SIGKILL"
)

func TestMain(m *testing.M) {
	if end := os.Getenv(dyingParent); end != "" {
		startAndDie(end)
	}
	os.Exit(m.Run())
}

// startAndDie prints the folder and address of the control plane on one line before it dies.
func startAndDie(end string) {
	plane, err := controlplane.Start(context.Background(), controlplane.Options{})
	if err != nil {
		panic(err)
	}
	dir := filepath.Dir(plane.Kubeconfig())
	if _, err := plane.Run("program", exec.Command("/bin/sh", "-c", "trap '' TERM; sleep 1000", dir)); err != nil {
		panic(err)
	}
	fmt.Println(dir, strings.TrimPrefix(plane.Config().Host, "https://"))
	if end == byPanic {
		panic("as the test wants it")
	}
	select {}
}

func TestTheControlPlaneEndsWhenItsParentDies(t *testing.T) {
	for _, end := range []string{byPanic, byKill} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			parent := exec.CommandContext(t.Context(), os.Args[0])
			parent.Env = append(os.Environ(), dyingParent+"="+end)
			stdout, err := parent.StdoutPipe()
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(parent.Start()).To(Succeed())

			var dir, address string
			line, err := bufio.NewReader(stdout).ReadString('\n')
			g.Expect(err).NotTo(HaveOccurred(), "the parent did not start the control plane")
			g.Expect(fmt.Sscan(line, &dir, &address)).To(Equal(2))
			if end == byKill {
				g.Expect(parent.Process.Kill()).To(Succeed())
			}
			g.Expect(parent.Wait()).NotTo(Succeed())

			g.Eventually(func(g Gomega) {
				expectNothingLeft(g, dir, address)
			}).WithTimeout(10 * time.Second).Should(Succeed())
		})
	}
}
