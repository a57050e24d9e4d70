package controlplane

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/rehome-operator/rehome/test/controlplane/assets"
	"github.com/rehome-operator/rehome/test/controlplane/ports"
)

// Client limits of the components, far above the rate of a test.
const (
	clientQPS   = 1000
	clientBurst = 2000
)

// apiServerName is the name of the API server's process, which RestartAPIServer restarts.
const apiServerName = "kube-apiserver"

// component is a program of the control plane.
type component struct {
	name  string // of the binary
	args  []string
	ready probe
}

func (c *ControlPlane) etcd() component {
	socket := filepath.Join(c.dir, "etcd.sock")
	return component{
		name: "etcd",
		args: []string{
			"--data-dir=" + filepath.Join(c.dir, "etcd"),
			"--listen-client-urls=unix://" + socket,
			// A host and a port are required. They are not used: kube-apiserver uses the socket.
			"--advertise-client-urls=http://" + ports.Loopback + ":0",
			"--listen-peer-urls=http://" + ports.Loopback + ":0",
			"--unsafe-no-fsync",
			"--log-level=warn",
		},
		ready: probe{"http://etcd/readyz", &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", socket)
			},
		}}},
	}
}

func (c *ControlPlane) apiServer() (component, error) {
	audit, err := c.auditing()
	return component{
		name: apiServerName,
		args: append(append(c.serving(c.ports.apiServer), audit...),
			"--etcd-servers=unix://"+filepath.Join(c.dir, "etcd.sock"),
			"--token-auth-file="+c.credentials.tokens,
			"--authorization-mode=RBAC",
			"--service-account-issuer=https://kubernetes.default.svc",
			"--service-account-key-file="+c.credentials.serviceAccountKey,
			"--service-account-signing-key-file="+c.credentials.serviceAccountKey,
			"--service-cluster-ip-range=10.96.0.0/16",
			// Endpoints of the kubernetes Service must not be loopback addresses.
			"--endpoint-reconciler-type=none",
			"--allow-privileged=true",
			"--shutdown-delay-duration=0",
		),
		ready: probe{"https://" + ports.Address(c.ports.apiServer) + "/readyz", c.client},
	}, err
}

func (c *ControlPlane) controllerManager() component {
	return component{
		name: "kube-controller-manager",
		args: append(c.serving(c.ports.controllerManager),
			"--kubeconfig="+c.credentials.kubeconfig,
			"--service-account-private-key-file="+c.credentials.serviceAccountKey,
			"--root-ca-file="+c.credentials.authority,
			"--leader-elect=false",
			"--kube-api-qps="+strconv.Itoa(clientQPS),
			"--kube-api-burst="+strconv.Itoa(clientBurst),
		),
		ready: probe{"https://" + ports.Address(c.ports.controllerManager) + "/healthz", c.client},
	}
}

func (c *ControlPlane) scheduler() (component, error) {
	config := filepath.Join(c.dir, "scheduler.yaml")
	content := fmt.Sprintf(`apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection:
  kubeconfig: %q
  qps: %d
  burst: %d
leaderElection:
  leaderElect: false
`, c.credentials.kubeconfig, clientQPS, clientBurst)
	return component{
		name:  "kube-scheduler",
		args:  append(c.serving(c.ports.scheduler), "--config="+config),
		ready: probe{"https://" + ports.Address(c.ports.scheduler) + "/readyz", c.client},
	}, os.WriteFile(config, []byte(content), 0o600)
}

func (c *ControlPlane) kwok() (component, error) {
	config := filepath.Join(c.dir, "kwok.yaml")
	return component{
		name: "kwok",
		args: []string{
			"--kubeconfig=" + c.credentials.kubeconfig,
			"--config=" + filepath.Join(c.options.Assets, assets.Stages),
			"--config=" + config,
			"--manage-all-nodes=true",
			// The node lifecycle controller watches the lease, as with a kubelet.
			"--node-lease-duration-seconds=40",
			"--server-address=" + ports.Address(c.ports.kwok),
		},
		ready: probe{"http://" + ports.Address(c.ports.kwok) + "/healthz", c.client},
	}, os.WriteFile(config, c.options.KwokConfig, 0o600)
}

// serving returns the flags of Kubernetes components for serving on loopback.
func (c *ControlPlane) serving(port int) []string {
	return []string{
		"--bind-address=" + ports.Loopback,
		"--secure-port=" + strconv.Itoa(port),
		"--tls-cert-file=" + c.credentials.servingCert,
		"--tls-private-key-file=" + c.credentials.servingKey,
	}
}

// command returns the command of a component. Its home is the data folder, so it ignores the user's ~/.kwok and ~/.kube.
func (c *ControlPlane) command(part component) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.options.Assets, part.name), part.args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "HOME="+c.dir)
	return cmd
}
