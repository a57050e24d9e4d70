package kubeblocks

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/e2e/program"
)

// systemNamespace is the namespace of KubeBlocks itself.
const systemNamespace = "kb-system"

// Running is a running KubeBlocks.
type Running struct {
	Manager        *controlplane.Process
	DataProtection *controlplane.Process
}

// Start runs KubeBlocks on a control plane that has its CRDs, and returns when it is ready. It stops with the control plane.
func Start(ctx context.Context, cp *controlplane.ControlPlane, programs Programs) (*Running, error) {
	if err := createSystemNamespace(ctx, cp.Config()); err != nil {
		return nil, err
	}
	manager, err := startProgram(ctx, cp, "kubeblocks-manager", programs.Manager,
		// Addons run Helm in containers, and kwok runs no containers.
		"--extensions=false")
	if err != nil {
		return nil, err
	}
	dataProtection, err := startProgram(ctx, cp, "kubeblocks-dataprotection", programs.DataProtection)
	if err != nil {
		return nil, errors.Join(err, manager.Stop())
	}
	return &Running{Manager: manager.Process, DataProtection: dataProtection.Process}, nil
}

// startProgram returns when the program is ready. The program does not inherit the environment, because KubeBlocks reads its configuration
// from it.
func startProgram(ctx context.Context, cp *controlplane.ControlPlane, name, path string, flags ...string) (*program.Program, error) {
	env := []string{
		"CM_NAMESPACE=" + systemNamespace,
		"DP_ENCRYPTION_KEY=rehome", // required
	}
	p, err := program.Start(cp, name, path, env, append(flags, "--metrics-bind-address=0"))
	if err != nil {
		return nil, err
	}
	if err := p.WaitReady(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

func createSystemNamespace(ctx context.Context, config *rest.Config) error {
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("create a client: %w", err)
	}
	_, err = clientset.CoreV1().Namespaces().Apply(ctx, corev1.Namespace(systemNamespace),
		metav1.ApplyOptions{FieldManager: "rehome-e2e"})
	if err != nil {
		return fmt.Errorf("create namespace %s: %w", systemNamespace, err)
	}
	return nil
}
