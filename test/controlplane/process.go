package controlplane

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// stopGrace is the time that a Process gets to end after SIGTERM.
const stopGrace = 10 * time.Second

// Process is a program that ends with the control plane at the latest.
type Process struct {
	name string
	cmd  *exec.Cmd
	log  logFile
	done chan struct{}
	err  error // written before done is closed
}

// startProcess starts cmd in group g, with its output appended to log.
func startProcess(g *processGroup, name string, cmd *exec.Cmd, log logFile) (*Process, error) {
	output, err := log.open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer func() { _ = output.Close() }()

	cmd.Stdout, cmd.Stderr = output, output
	g.adopt(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s did not start: %w", name, err)
	}
	p := &Process{name: name, cmd: cmd, log: log, done: make(chan struct{})}
	go p.wait()
	return p, nil
}

func (p *Process) wait() {
	defer close(p.done)
	_ = p.cmd.Wait() // ProcessState has the reason, even for exit status 0
	p.err = fmt.Errorf("%s exited: %s%s", p.name, p.cmd.ProcessState, p.log.ending())
}

// Done is closed when the program has exited.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is nil while the program runs. Afterwards it is one line with the exit status, even if that is 0, and the end of the log.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// PID returns the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log returns the path of the file with the program's standard output and standard error.
func (p *Process) Log() string { return p.log.path }

// Stop sends SIGTERM, and returns when the program has exited. If the program does not exit within ten seconds, Stop sends SIGKILL and
// returns an error.
func (p *Process) Stop() error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopGrace):
	}
	if err := p.Kill(); err != nil {
		return err
	}
	return fmt.Errorf("%s did not stop within %s of SIGTERM and was killed", p.name, stopGrace)
}

// Kill sends SIGKILL, and returns when the program has exited.
func (p *Process) Kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

func (p *Process) signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %s to %s: %w", s, p.name, err)
	}
	return nil
}
