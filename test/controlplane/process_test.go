package controlplane

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// startInGroup runs a shell script in a group that ends with the test.
func startInGroup(t *testing.T, script string) *Process {
	t.Helper()
	g := NewWithT(t)
	group, err := newProcessGroup(filepath.Join(t.TempDir(), "data"))
	g.Expect(err).NotTo(HaveOccurred())
	log := logFile{path: filepath.Join(t.TempDir(), "program.log"), kept: true}
	p, err := startProcess(group, "program", exec.Command("/bin/sh", "-c", script), log)
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() {
		g.Expect(group.close()).To(Succeed())
		g.Eventually(p.Done()).WithTimeout(time.Minute).Should(BeClosed())
	})
	return p
}

func TestErrHasTheExitStatusAndTheEndOfTheLog(t *testing.T) {
	g := NewWithT(t)
	p := startInGroup(t, "echo one; echo two; echo three >&2; echo four; exit 3")
	g.Eventually(p.Done()).WithTimeout(time.Minute).Should(BeClosed())
	g.Expect(p.Err()).To(MatchError("program exited: exit status 3; log " + p.Log() + " ends: two | three | four"))
	g.Expect(os.ReadFile(p.Log())).To(BeEquivalentTo("one\ntwo\nthree\nfour\n"))
	g.Expect(p.Stop()).To(Succeed(), "it has exited already")
}

func TestStopTerminatesAProcess(t *testing.T) {
	g := NewWithT(t)
	p := startInGroup(t, "exec sleep 1000")
	g.Expect(p.Err()).NotTo(HaveOccurred(), "while it runs")
	g.Expect(p.Stop()).To(Succeed())
	g.Expect(p.Err()).To(MatchError(HavePrefix("program exited: signal: terminated")))
}

func TestStopKillsAProcessThatIgnoresSIGTERM(t *testing.T) {
	t.Parallel() // with other tests that wait
	g := NewWithT(t)
	p := startInGroup(t, "trap '' TERM; echo ready; while :; do sleep 1000; done")
	g.Eventually(func() ([]byte, error) { return os.ReadFile(p.Log()) }).WithTimeout(time.Minute).Should(BeEquivalentTo("ready\n"))
	g.Expect(p.Stop()).To(MatchError("program did not stop within 10s of SIGTERM and was killed"))
	g.Expect(p.Done()).To(BeClosed())
}

func TestAProcessCannotJoinAClosedGroup(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	group, err := newProcessGroup(dir)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(group.close()).To(Succeed())
	g.Expect(dir).NotTo(BeADirectory())

	_, err = startProcess(group, "late", exec.Command("true"), logFile{path: filepath.Join(t.TempDir(), "late.log")})
	g.Expect(err).To(MatchError(ContainSubstring("operation not permitted")))
}
