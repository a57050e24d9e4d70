// Package program runs operators on a control plane.
package program

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/ports"
)

const (
	readyTimeout  = time.Minute
	readyInterval = 100 * time.Millisecond
)

// Program is a started operator.
type Program struct {
	*controlplane.Process
	name  string
	ready string // URL of its readiness probe
}

// Start starts an operator, and does not wait for it. Start appends a flag with a free port for the probes. The environment is env and an
// administrator's KUBECONFIG, which env can override; nothing is inherited.
func Start(cp *controlplane.ControlPlane, name, path string, env, flags []string) (*Program, error) {
	probe, err := ports.ReserveAddress()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, append(flags, "--health-probe-bind-address="+probe)...)
	cmd.Dir = cp.LogDir()
	cmd.Env = append([]string{"KUBECONFIG=" + cp.Kubeconfig()}, env...)
	process, err := cp.Run(name, cmd)
	if err != nil {
		return nil, err
	}
	return &Program{Process: process, name: name, ready: "http://" + probe + "/readyz"}, nil
}

// WaitReady returns when the program is ready. It is an error when the program exits or is not ready in time.
func (p *Program) WaitReady(ctx context.Context) error {
	err := wait.PollUntilContextTimeout(ctx, readyInterval, readyTimeout, true, func(ctx context.Context) (bool, error) {
		return p.isReady(ctx), p.Err()
	})
	if wait.Interrupted(err) {
		return fmt.Errorf("%s is not ready after %s, see %s", p.name, readyTimeout, p.Log())
	}
	return err
}

func (p *Program) isReady(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.ready, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode == http.StatusOK
}
