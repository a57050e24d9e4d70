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
	// lookInterval is how often a program is looked at that is waited for. What it writes is timed when it comes.
	lookInterval = 5 * time.Millisecond
	// stopTimeout is how long a program, or the API server, may take to end when it is asked to.
	stopTimeout = time.Minute

	// zombie is the state of a process that has ended.
	zombie = "Z"
	// restShare is how much of a core a program uses at most that rests.
	restShare = 0.02
)

// Program is a program that runs against an API server.
type Program struct {
	cmd     *exec.Cmd
	started time.Time
	output  *output
	// done is closed when the program has ended; err then says how.
	done chan struct{}
	err  error
}

// Run starts a program, and notes when it writes each of the texts. It ends with the context, or before with Stop.
func Run(ctx context.Context, kubeconfig string, texts []string, path string, args ...string) (*Program, error) {
	p := &Program{output: newOutput(texts), done: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, path, args...)
	p.cmd.Env = []string{"KUBECONFIG=" + kubeconfig}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = stopTimeout
	// A benchmark that is killed leaves nothing behind.
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

// Stop asks the program to end, and returns when it has. Of one that had ended before it returns how.
func (p *Program) Stop() error {
	if err := p.cmd.Cancel(); err != nil {
		<-p.done
		return p.err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("%s did not end in %s", p.cmd, stopTimeout), p.cmd.Process.Kill())
	}
}

// Await returns how long after its start the program first wrote a text.
func (p *Program) Await(ctx context.Context, text string, timeout time.Duration) (time.Duration, error) {
	err := wait.PollUntilContextTimeout(ctx, lookInterval, timeout, true, func(context.Context) (bool, error) {
		if p.output.count(text) > 0 {
			return true, nil
		}
		return false, p.ended()
	})
	if err != nil {
		return 0, fmt.Errorf("wait for %s to write %s: %w", p.cmd, text, err)
	}
	return p.output.first(text).Sub(p.started), nil
}

// Last returns how often the program wrote a text, and how long after its start it last did.
func (p *Program) Last(text string) (int, time.Duration) {
	return p.output.count(text), p.output.last(text).Sub(p.started)
}

// errSuccess says that a program ended by itself, and well, which those that are waited for do not.
var errSuccess = errors.New("exit status 0")

// ended says how the program ended; it is nil while it runs.
func (p *Program) ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended: %w: %s", p.cmd, cmp.Or(p.err, errSuccess), p.output.tail())
	default:
		return nil
	}
}

// AwaitRest returns when the program has done next to nothing, and written nothing, for as long as window.
func (p *Program) AwaitRest(ctx context.Context, window, timeout time.Duration) error {
	var before activity
	err := wait.PollUntilContextTimeout(ctx, window, timeout, true, func(context.Context) (bool, error) {
		if err := p.ended(); err != nil {
			return false, err
		}
		now, err := p.activity()
		if err != nil {
			return false, err
		}
		rests := before.lines > 0 && now.lines == before.lines && now.cpu-before.cpu < restShare*window.Seconds()
		before = now
		return rests, nil
	})
	if err != nil {
		return fmt.Errorf("wait until %s rests: %w", p.cmd, err)
	}
	return nil
}

// activity is what a program has done: CPU time in seconds, and lines that it wrote.
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
		return activity{}, fmt.Errorf("%s ended: %s", p.cmd, p.output.tail())
	}
	return activity{stat.CPUTime(), p.output.total()}, nil
}

// Usage reads what the program took so far.
func (p *Program) Usage() (bench.Usage, error) { return bench.UsageOf(p.cmd.Process.Pid) }
