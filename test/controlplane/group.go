package controlplane

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// keeperScript is the leader of the process group. While it waits, the group's id cannot be reused.
const keeperScript = `read -r _`

// watchdogScript waits outside the group until the lifeline closes, kills the group ($2) and removes the folder ($1). It kills until the
// group is empty, because a process may join between a kill and the end of its parent. It removes the folder last, because a process
// could still write to it. The number of kills is bounded, because orphans stay in the group if no process reaps them.
const watchdogScript = `
read -r _
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	kill -s KILL -- "-$2" 2>/dev/null || break
	sleep 0.1
done
exec rm -rf -- "$1"
`

// processGroup has processes that cannot outlive this one, and their folder.
//
// The lifeline is a pipe. Only this process has its write end, so the kernel closes it on exit, panic, os.Exit and SIGKILL. The watchdog,
// in a process group of its own, then reads the end of the pipe and cleans up. close uses the same mechanism, so every test tests it.
type processGroup struct {
	lifeline *os.File
	keeper   *exec.Cmd
	watchdog *exec.Cmd
	stderr   bytes.Buffer // of the watchdog
}

// newProcessGroup returns an empty group that removes dir when it ends.
func newProcessGroup(dir string) (*processGroup, error) {
	waiting, lifeline, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making the lifeline: %w", err)
	}
	defer func() { _ = waiting.Close() }()

	g := &processGroup{lifeline: lifeline}
	g.keeper = inOwnGroup("controlplane-keeper", keeperScript, waiting, dir)
	if err := g.keeper.Start(); err != nil {
		_ = lifeline.Close()
		return nil, fmt.Errorf("starting the keeper of the process group: %w", err)
	}
	g.watchdog = inOwnGroup("controlplane-watchdog", watchdogScript, waiting, dir, strconv.Itoa(g.keeper.Process.Pid))
	g.watchdog.Stderr = &g.stderr
	if err := g.watchdog.Start(); err != nil {
		_ = lifeline.Close()
		_ = g.keeper.Wait()
		return nil, fmt.Errorf("starting the watchdog: %w", err)
	}
	return g, nil
}

// inOwnGroup returns a shell that does not get Ctrl-C of the terminal. A list of processes shows its name and args.
func inOwnGroup(name, script string, stdin *os.File, args ...string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, name}, args...)...)
	cmd.Stdin = stdin
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// adopt makes cmd, which must not be started yet, a member of the group.
func (g *processGroup) adopt(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pgid = g.keeper.Process.Pid
}

// close kills the processes of the group and removes the folder. The caller must wait for the members that it started.
func (g *processGroup) close() error {
	if err := g.lifeline.Close(); err != nil {
		return fmt.Errorf("closing the lifeline: %w", err)
	}
	// Before the watchdog, because an unreaped member keeps the group alive. An error is expected: the keeper may have been killed.
	_ = g.keeper.Wait()
	if err := g.watchdog.Wait(); err != nil {
		return fmt.Errorf("cleaning up: %w: %s", err, bytes.TrimSpace(g.stderr.Bytes()))
	}
	return nil
}
