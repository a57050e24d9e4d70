package hack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// stepsCommand returns a shell that runs the script and then the lines. It reads the script, because `go test` would otherwise use a
// cached result when the script has changed.
func stepsCommand(t *testing.T, lines ...string) *exec.Cmd {
	t.Helper()
	script := "set -euo pipefail\n" + read(t, "steps.sh") + strings.Join(lines, "\n")
	return exec.CommandContext(t.Context(), "bash", "-c", script)
}

// runSteps returns the output and the exit status.
func runSteps(t *testing.T, lines ...string) (out string, status int) {
	t.Helper()
	text, err := stepsCommand(t, lines...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil {
		NewWithT(t).Expect(errors.As(err, &exit)).To(BeTrue(), "%v", err)
		status = exit.ExitCode()
	}
	return string(text), status
}

func TestStepsPrintATable(t *testing.T) {
	g := NewWithT(t)

	out, status := runSteps(t,
		"step lint 1 '' echo linted",
		"step unit 2 lint echo 'unit: skipped, nothing changed since it passed'",
		"run_steps")

	g.Expect(status).To(BeZero())
	g.Expect(out).To(HavePrefix("==> lint\nlinted\n==> lint: passed after "))
	g.Expect(out).To(MatchRegexp(`(?m)^step +seconds  result\nlint +\d+  passed\nunit +\d+  skipped\ntotal +\d+\n`))
}

func TestTheTableComesAfterAFailureAndTheStatusIsKept(t *testing.T) {
	g := NewWithT(t)

	out, status := runSteps(t,
		"step unit 1 '' bash -c 'echo the reason; exit 3'",
		"step e2e 2 '' echo e2e",
		"run_steps")

	g.Expect(status).To(Equal(3))
	g.Expect(out).To(ContainSubstring("\nthe reason\n==> unit: FAILED with exit status 3 after "))
	g.Expect(out).To(MatchRegexp(`(?m)^unit +\d+  FAILED with exit status 3\ne2e +-  not run$`))
}

func TestTheStatusOfAStepOfTwoCoresIsKept(t *testing.T) {
	out, status := runSteps(t, "step e2e 2 '' bash -c 'echo the reason; exit 4'", "run_steps")

	NewWithT(t).Expect(status).To(Equal(4))
	NewWithT(t).Expect(out).To(ContainSubstring("the reason\n"))
}

func TestKeepGoingRunsWhatDoesNotDependOnTheFailure(t *testing.T) {
	g := NewWithT(t)

	out, status := runSteps(t,
		"step build 1 '' bash -c 'exit 3'",
		"step test 1 build echo tested",
		"step lint 1 '' bash -c 'exit 5'",
		"step docs 1 '' echo 'docs are fine'",
		"run_steps --keep-going")

	g.Expect(status).To(BeElementOf(3, 5))
	g.Expect(out).To(ContainSubstring("\ndocs are fine\n"))
	g.Expect(out).To(MatchRegexp(`(?m)^test +-  not run$`))
	g.Expect(out).To(MatchRegexp(`(?m)^docs +\d+  passed$`))
}

func TestAStepThatCanNeverStartIsAnError(t *testing.T) {
	out, status := runSteps(t, "step a 1 b echo a", "step b 1 a echo b", "run_steps")

	NewWithT(t).Expect(status).To(Equal(1))
	NewWithT(t).Expect(out).To(ContainSubstring("a step can never start"))
}

// TestAStepThatIsKilledHasFailed kills what runs the step, as Linux does when memory is short.
func TestAStepThatIsKilledHasFailed(t *testing.T) {
	t.Parallel()
	out, status := runSteps(t, "step heavy 1 '' bash -c 'kill -9 $PPID; sleep 60'", "run_steps")

	NewWithT(t).Expect(status).To(Equal(137))
	NewWithT(t).Expect(out).To(MatchRegexp(`(?m)^heavy +\d+  FAILED with exit status 137$`))
}

// TestNoFileIsLeftWhenTheOutputIsGone ends the steps as Ctrl-C does in ".ci/run | tee log".
func TestNoFileIsLeftWhenTheOutputIsGone(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	dir := t.TempDir()
	begun := filepath.Join(dir, "begun")
	temporary := filepath.Join(dir, "tmp")
	g.Expect(os.Mkdir(temporary, 0o700)).To(Succeed())
	cmd := stepsCommand(t, "step long 1 '' bash -c 'echo output; touch "+begun+"; sleep 60'", "run_steps")
	cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
	reader, writer, err := os.Pipe()
	g.Expect(err).NotTo(HaveOccurred())
	cmd.Stdout, cmd.Stderr = writer, writer
	g.Expect(cmd.Start()).To(Succeed())
	g.Expect(writer.Close()).To(Succeed())
	g.Eventually(begun).WithTimeout(10 * time.Second).Should(BeAnExistingFile())
	g.Expect(reader.Close()).To(Succeed())

	g.Expect(cmd.Process.Signal(syscall.SIGTERM)).To(Succeed())

	g.Expect(cmd.Wait()).To(HaveOccurred())
	g.Expect(os.ReadDir(temporary)).To(BeEmpty())
}

// TestTwoStepsRunAtATime runs steps that log their start and end.
func TestTwoStepsRunAtATime(t *testing.T) {
	g := NewWithT(t)
	log := t.TempDir() + "/log"
	work := func(name string) string {
		return "bash -c 'echo +" + name + " >>" + log + "; sleep 0.3; echo -" + name + " >>" + log + "'"
	}

	out, status := runSteps(t,
		"step a 1 '' "+work("a"),
		"step b 1 '' "+work("b"),
		"step c 1 '' "+work("c"),
		"step d 2 '' "+work("d"),
		"run_steps")

	g.Expect(status).To(BeZero(), out)
	running, most := map[string]bool{}, 0
	for _, line := range strings.Fields(read(t, log)) {
		if line[0] == '-' {
			delete(running, line[1:])
			continue
		}
		running[line[1:]] = true
		most = max(most, len(running))
		g.Expect(running["d"] && len(running) > 1).To(BeFalse(), "d runs alone")
	}
	g.Expect(most).To(Equal(2))
}

func TestTheOutputOfEachStepIsInOnePiece(t *testing.T) {
	lines := "for i in 1 2 3; do echo %; sleep 0.1; done"

	out, _ := runSteps(t,
		"step a 1 '' bash -c '"+strings.ReplaceAll(lines, "%", "a")+"'",
		"step b 1 '' bash -c '"+strings.ReplaceAll(lines, "%", "b")+"'",
		"run_steps")

	NewWithT(t).Expect(out).To(And(ContainSubstring("a\na\na\n"), ContainSubstring("b\nb\nb\n")))
}

// TestAnInterruptWaitsForTheSteps interrupts a step that takes a second to end, and prints a line then.
func TestAnInterruptWaitsForTheSteps(t *testing.T) {
	for cores := 1; cores <= 2; cores++ {
		t.Run(fmt.Sprint("cores ", cores), func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			dir := t.TempDir()
			step := `trap "sleep 1; echo after; exit 1" INT; echo before; echo $$ >` + dir + `/pid; while :; do sleep 0.1; done`
			cmd := stepsCommand(t, fmt.Sprintf("step long %d '' bash -c '%s'", cores, step), "run_steps")
			// It is a file, because Wait waits until every process has closed a pipe.
			out, err := os.Create(filepath.Join(dir, "out"))
			g.Expect(err).NotTo(HaveOccurred())
			cmd.Stdout, cmd.Stderr = out, out
			g.Expect(cmd.Start()).To(Succeed())
			pid := func() string {
				text, _ := os.ReadFile(filepath.Join(dir, "pid"))
				return strings.TrimSpace(string(text))
			}
			g.Eventually(pid).WithTimeout(10 * time.Second).ShouldNot(BeEmpty())

			g.Expect(cmd.Process.Signal(syscall.SIGTERM)).To(Succeed())

			g.Expect(cmd.Wait()).To(MatchError("exit status 143"))
			// A zombie has no command line. In a container, no process may reap it.
			line, _ := os.ReadFile("/proc/" + pid() + "/cmdline")
			g.Expect(line).To(BeEmpty(), "the process of the step is still there")
			g.Expect(read(t, out.Name())).To(MatchRegexp(`(?ms)^before\nafter\n.*^long +\d+  interrupted$`))
		})
	}
}
