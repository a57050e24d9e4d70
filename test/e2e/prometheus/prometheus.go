// Package prometheus runs a real Prometheus that scrapes one target, and queries it.
package prometheus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/ports"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

const (
	readyTimeout  = time.Minute
	readyInterval = 100 * time.Millisecond
)

// Target is scraped over HTTPS.
type Target struct {
	Address string
	// Token is the bearer token.
	Token string
}

// Server is a running Prometheus.
type Server struct {
	promv1.API
	process *controlplane.Process
	dir     string
}

// binaryVariable is the environment variable with the path of the program.
const binaryVariable = "PROMETHEUS"

// Start runs Prometheus with the rules of this repository, and returns when it has scraped the target.
func Start(ctx context.Context, cp *controlplane.ControlPlane, target Target) (*Server, error) {
	binary := os.Getenv(binaryVariable)
	if binary == "" {
		return nil, fmt.Errorf("%s is not set: run `make test-e2e`", binaryVariable)
	}
	dir, err := os.MkdirTemp("", "prometheus-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir}
	if err := s.start(ctx, cp, binary, target); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, cp *controlplane.ControlPlane, binary string, target Target) error {
	config, err := s.configure(target)
	if err != nil {
		return err
	}
	address, err := ports.ReserveAddress()
	if err != nil {
		return err
	}
	client, err := api.NewClient(api.Config{Address: "http://" + address})
	if err != nil {
		return err
	}
	s.API = promv1.NewAPI(client)
	cmd := exec.Command(binary, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(s.dir, "data"), "--web.listen-address="+address)
	cmd.Dir = s.dir
	if s.process, err = cp.Run("prometheus", cmd); err != nil {
		return err
	}
	return s.waitScraped(ctx)
}

// configuration scrapes often, so that a test need not wait. A quoted Go string is a YAML string.
const configuration = `
global: {scrape_interval: 500ms, evaluation_interval: 500ms}
rule_files: [%q]
scrape_configs:
  - job_name: rehome
    honor_labels: true
    scheme: https
    authorization: {credentials_file: %q}
    tls_config: {insecure_skip_verify: true}
    static_configs: [{targets: [%q]}]
`

// configure writes the configuration and returns its path.
func (s *Server) configure(target Target) (string, error) {
	root, err := repository.Root()
	if err != nil {
		return "", err
	}
	token, config := filepath.Join(s.dir, "token"), filepath.Join(s.dir, "prometheus.yml")
	if err := os.WriteFile(token, []byte(target.Token), 0o600); err != nil {
		return "", err
	}
	text := fmt.Sprintf(configuration, filepath.Join(root, "config", "prometheus", "rules.yaml"), token, target.Address)
	return config, os.WriteFile(config, []byte(text), 0o600)
}

func (s *Server) waitScraped(ctx context.Context) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, readyInterval, readyTimeout, true, func(ctx context.Context) (bool, error) {
		var up []float64
		up, last = s.Ask(ctx, "up == 1")
		return len(up) > 0, s.process.Err()
	})
	if wait.Interrupted(err) {
		return fmt.Errorf("prometheus has not scraped its target after %s: %w, see %s", readyTimeout, last, s.process.Log())
	}
	return err
}

// Ask returns the values that a query has now, without NaN, which a quantile of no samples is.
func (s *Server) Ask(ctx context.Context, query string) ([]float64, error) {
	answer, _, err := s.Query(ctx, query, time.Time{})
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", query, err)
	}
	vector, ok := answer.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("query %s: got a %s, want a vector", query, answer.Type())
	}
	var values []float64
	for _, sample := range vector {
		if value := float64(sample.Value); !math.IsNaN(value) {
			values = append(values, value)
		}
	}
	return values, nil
}

// Stop stops Prometheus and removes its data. The log stays.
func (s *Server) Stop() error {
	var err error
	if s.process != nil {
		err = s.process.Stop()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}
