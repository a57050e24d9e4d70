package unblock

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/controlplane"
)

// operator is a program that unblocks restores.
type operator struct {
	name  string
	start func(context.Context, *controlplane.ControlPlane) (*bench.Program, error)
}

// operators are the baseline and Rehome, in the order in which they alternate.
func operators(o bench.Options) [2]operator {
	return [2]operator{
		{"baseline", func(ctx context.Context, plane *controlplane.ControlPlane) (*bench.Program, error) {
			self, err := os.Executable()
			if err != nil {
				return nil, fmt.Errorf("find this program: %w", err)
			}
			return bench.Start(ctx, plane, "baseline", self, "baseline")
		}},
		{"Rehome", func(ctx context.Context, plane *controlplane.ControlPlane) (*bench.Program, error) {
			config := filepath.Join(filepath.Dir(plane.Kubeconfig()), "rehome.yaml") // The control plane removes it.
			if err := writeConfiguration(config); err != nil {
				return nil, err
			}
			return bench.Start(ctx, plane, "rehome", o.Rehome, "manager", "--config="+config)
		}},
	}
}

// writeConfiguration writes a configuration with limits that are never reached.
func writeConfiguration(path string) error {
	settings := configv1alpha1.Defaults()
	settings.Limits.RemediationsPerMinute = math.MaxInt32
	settings.Limits.RemediationBurst = math.MaxInt32
	settings.Limits.BreakerCoolDown = metav1.Duration{Duration: time.Nanosecond}
	settings.Metrics.Insecure = true // Plain HTTP on loopback.
	data, err := yaml.Marshal(settings)
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return os.WriteFile(path, data, 0o600)
}
