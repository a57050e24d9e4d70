package apiserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/rehome-operator/rehome/test/bench/bench"
)

const (
	// pollInterval does not limit the precision of times: output is timed when it is written.
	pollInterval = 5 * time.Millisecond
	// stopTimeout limits how long a program, or the API server, takes to stop.
	stopTimeout = time.Minute

	// zombie is the state of a process that has exited.
	zombie = "Z"
	// restMaxCPU is the maximum share of a core that a program at rest uses.
	restMaxCPU = 0.02
)

// Program is a program that runs against an API server.
type Program struct {
	cmd     *exec.Cmd
	started time.Time
	output  *output
	// done is closed when the program has exited; err is its result.
	done chan struct{}
	err  error
}

// Run starts a program, and records when it writes each of the texts. It stops with the context, or earlier with Stop.
func Run(ctx context.Context, kubeconfig string, texts []string, path string, args ...string) (*Program, error) {
	p := &Program{output: newOutput(texts), done: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, path, args...)
	p.cmd.Env = []string{"KUBECONFIG=" + kubeconfig}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = stopTimeout
	// The program must not outlive a killed benchmark.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Stop stops the program and waits for it. If the program had already exited, it returns the program's error.
func (p *Program) Stop() error {
	if err := p.cmd.Cancel(); err != nil {
		<-p.done
		return p.err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("%s did not stop within %s", p.cmd, stopTimeout), p.cmd.Process.Kill())
	}
}

// Await waits until the program writes a text, and returns the time since its start.
func (p *Program) Await(ctx context.Context, text string, timeout time.Duration) (time.Duration, error) {
	err := wait.PollUntilContextTimeout(ctx, pollInterval, timeout, true, func(context.Context) (bool, error) {
		if p.output.count(text) > 0 {
			return true, nil
		}
		return false, p.exited()
	})
	if err != nil {
		return 0, fmt.Errorf("wait for %s to write %s: %w", p.cmd, text, err)
	}
	return p.output.first(text).Sub(p.started), nil
}

// Last returns how often the program wrote a text, and the time from its start to the last.
func (p *Program) Last(text string) (int, time.Duration) {
	return p.output.count(text), p.output.last(text).Sub(p.started)
}

// errSuccess reports an unexpected exit with status 0.
var errSuccess = errors.New("exit status 0")

// exited returns an error once the program has exited.
func (p *Program) exited() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s exited: %w: %s", p.cmd, cmp.Or(p.err, errSuccess), p.output.tail())
	default:
		return nil
	}
}

// AwaitRest waits until the program has written nothing and used almost no CPU for a window.
func (p *Program) AwaitRest(ctx context.Context, window, timeout time.Duration) error {
	var before activity
	err := wait.PollUntilContextTimeout(ctx, window, timeout, true, func(context.Context) (bool, error) {
		if err := p.exited(); err != nil {
			return false, err
		}
		now, err := p.activity()
		if err != nil {
			return false, err
		}
		atRest := before.lines > 0 && now.lines == before.lines && now.cpu-before.cpu < restMaxCPU*window.Seconds()
		before = now
		return atRest, nil
	})
	if err != nil {
		return fmt.Errorf("wait until %s is at rest: %w", p.cmd, err)
	}
	return nil
}

// activity is a program's CPU time in seconds and its lines of output.
type activity struct {
	cpu   float64
	lines int
}

func (p *Program) activity() (activity, error) {
	process, err := procfs.NewProc(p.cmd.Process.Pid)
	if err != nil {
		return activity{}, fmt.Errorf("find %s: %w", p.cmd, err)
	}
	stat, err := process.Stat()
	if err != nil {
		return activity{}, fmt.Errorf("read the CPU time of %s: %w", p.cmd, err)
	}
	if stat.State == zombie {
		return activity{}, fmt.Errorf("%s exited: %s", p.cmd, p.output.tail())
	}
	return activity{stat.CPUTime(), p.output.total()}, nil
}

// Usage returns what the program used since its start.
func (p *Program) Usage() (bench.Usage, error) { return bench.UsageOf(p.cmd.Process.Pid) }
