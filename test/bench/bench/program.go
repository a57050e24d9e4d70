package bench

import (
	"context"
	"errors"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/ports"
	"github.com/rehome-operator/rehome/test/e2e/program"
)

// Program is an operator that runs against a control plane with an administrator's rights.
type Program struct {
	*program.Program
	metrics string // Address.
}

// Start starts an operator and waits until it is ready. The operator must accept Rehome's flags for probes and metrics. It ends with
// the control plane, or earlier with Stop.
func Start(ctx context.Context, plane *controlplane.ControlPlane, name, path string, args ...string) (*Program, error) {
	metrics, err := ports.ReserveAddress()
	if err != nil {
		return nil, err
	}
	started, err := program.Start(plane, name, path, nil, append(args, "--metrics-bind-address="+metrics))
	if err != nil {
		return nil, err
	}
	if err := started.WaitReady(ctx); err != nil {
		return nil, errors.Join(err, started.Stop())
	}
	return &Program{started, metrics}, nil
}
