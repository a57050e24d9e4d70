package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/rehome-operator/rehome/test/controlplane/ports"
)

// startTimeout bounds Start, which takes a few seconds on two idle cores.
const startTimeout = 2 * time.Minute

// ControlPlane is a running control plane.
type ControlPlane struct {
	options     Options // completed
	dir         string  // all files but the logs in Options.LogDir
	keepLogs    bool
	ports       componentPorts
	credentials credentials
	config      *rest.Config
	client      *http.Client // with the administrator's credentials
	clientset   kubernetes.Interface
	group       *processGroup
	stop        func() error

	mu         sync.Mutex
	components []*Process
	programs   []*Process // started by Run
}

// Start starts a control plane and returns when it is ready: the components are healthy, the nodes are Ready without the not-ready
// taint, and the default service accounts of `default` and `kube-system` exist. ctx bounds the start only. The control plane runs
// until Stop, or until this process ends for any reason.
//
// The error is one line with the component that exited or did not become ready, and the end of its log.
func Start(ctx context.Context, o Options) (*ControlPlane, error) {
	c, err := prepare(o)
	if err != nil {
		return nil, fmt.Errorf("preparing the control plane: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// prepare makes the files that the first process needs.
func prepare(o Options) (*ControlPlane, error) {
	dir, err := os.MkdirTemp("", "controlplane-")
	if err != nil {
		return nil, err
	}
	group, err := newProcessGroup(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	c := &ControlPlane{dir: dir, group: group, keepLogs: o.LogDir != ""}
	c.stop = sync.OnceValue(c.stopOnce)
	if err := c.configure(o); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *ControlPlane) configure(o Options) (err error) {
	if c.options, err = o.complete(c.dir); err != nil {
		return err
	}
	if c.ports, err = reservePorts(); err != nil {
		return err
	}
	if c.credentials, err = writeCredentials(c.dir, "https://"+ports.Address(c.ports.apiServer)); err != nil {
		return err
	}
	if c.config, err = c.credentials.adminConfig(); err != nil {
		return err
	}
	if c.client, err = rest.HTTPClientFor(c.config); err != nil {
		return err
	}
	c.clientset, err = kubernetes.NewForConfigAndClient(c.config, c.client)
	return err
}

// Config returns a copy of the client configuration of the administrator, in group system:masters.
func (c *ControlPlane) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Kubeconfig returns the path of the administrator's kubeconfig. Stop removes the file.
func (c *ControlPlane) Kubeconfig() string { return c.credentials.kubeconfig }

// LogDir returns the folder of the logs: <component>.log, and <name>.log of each Run.
func (c *ControlPlane) LogDir() string { return c.options.LogDir }

// Run starts cmd, which must not be started yet. Its output goes to LogDir/<name>.log. It ends with the control plane or with this
// process at the latest. A name may be used again to restart a program. The log is then continued.
func (c *ControlPlane) Run(name string, cmd *exec.Cmd) (*Process, error) {
	p, err := startProcess(c.group, name, cmd, c.logFile(name))
	if err != nil {
		return nil, err
	}
	c.remember(&c.programs, p)
	return p, nil
}

// Stop ends the programs started by Run with SIGTERM, while the API server still runs, then kills the components and removes the data
// folder. Another call returns the result of the first.
func (c *ControlPlane) Stop() error { return c.stop() }

func (c *ControlPlane) stopOnce() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var programs errgroup.Group
	for _, p := range c.programs {
		programs.Go(p.Stop)
	}
	err := errors.Join(programs.Wait(), c.group.close())
	for _, p := range c.components {
		<-p.Done()
	}
	return err
}

func (c *ControlPlane) remember(list *[]*Process, p *Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*list = append(*list, p)
}

func (c *ControlPlane) logFile(name string) logFile {
	return logFile{path: filepath.Join(c.options.LogDir, name+".log"), kept: c.keepLogs}
}
