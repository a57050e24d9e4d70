package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/e2e/program"
)

const (
	readyTimeout  = time.Minute
	readyInterval = 20 * time.Millisecond
)

// Program is an operator that runs against a control plane with an administrator's rights.
type Program struct {
	*controlplane.Process
	cmd            *exec.Cmd
	probe, metrics string // Addresses.
}

// Start starts an operator and waits until it is ready. The operator must accept Rehome's flags for probes and metrics. It ends with
// the control plane, or earlier with Stop.
func Start(ctx context.Context, plane *controlplane.ControlPlane, name, path string, args ...string) (*Program, error) {
	p := &Program{}
	for _, address := range []*string{&p.probe, &p.metrics} {
		var err error
		if *address, err = program.FreeAddress(); err != nil {
			return nil, err
		}
	}
	p.cmd = exec.Command(path, append(args, "--health-probe-bind-address="+p.probe, "--metrics-bind-address="+p.metrics)...)
	p.cmd.Dir = plane.LogDir()
	p.cmd.Env = []string{"KUBECONFIG=" + plane.Kubeconfig()}
	process, err := plane.Run(name, p.cmd)
	if err != nil {
		return nil, err
	}
	p.Process = process
	if err := p.waitReady(ctx, name); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

func (p *Program) waitReady(ctx context.Context, name string) error {
	err := wait.PollUntilContextTimeout(ctx, readyInterval, readyTimeout, true, func(ctx context.Context) (bool, error) {
		response, err := get(ctx, "http://"+p.probe+"/readyz")
		if err != nil {
			return false, p.Err()
		}
		defer func() { _ = response.Body.Close() }()
		return response.StatusCode == http.StatusOK, p.Err()
	})
	if err != nil {
		return fmt.Errorf("wait until %s is ready: %w", name, err)
	}
	return nil
}

func get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(request)
}
