package chart

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

// kubernetes is the version that helm renders for. A helm that is built from its module has a default that the chart refuses.
const kubernetes = "1.37.2"

// tool returns the path of a tool from a variable that the Makefile sets.
func tool(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Fatalf("%s is not set: run `make test-chart`", variable)
	}
	return path
}

// inRepository returns the path of a file or folder of the repository.
func inRepository(t *testing.T, path ...string) string {
	t.Helper()
	root, err := repository.Root()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return filepath.Join(append([]string{root}, path...)...)
}

// output runs a command and returns its output. The error has its standard error.
func output(cmd *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return string(out), &failure{cmd.Args, err, stderr.String()}
	}
	return string(out), nil
}

type failure struct {
	args   []string
	err    error
	stderr string
}

func (f *failure) Error() string {
	return filepath.Base(f.args[0]) + " " + strings.Join(f.args[1:], " ") + ": " + f.err.Error() + ": " + f.stderr
}

func (f *failure) Unwrap() error { return f.err }

// helm runs helm, with values in YAML unless they are empty, and with empty folders for its own files.
func helm(ctx context.Context, t *testing.T, values string, args ...string) (string, error) {
	t.Helper()
	if values != "" {
		args = append(args, "--values", "-")
	}
	home := t.TempDir()
	cmd := exec.CommandContext(ctx, tool(t, "HELM"), args...)
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	cmd.Stdin = strings.NewReader(values)
	return output(cmd)
}

// template renders the chart.
func template(t *testing.T, values string) (string, error) {
	t.Helper()
	return helm(t.Context(), t, values, "template", releaseName, chart(t), "--namespace", ownNamespace, "--kube-version", kubernetes)
}

// chart returns the folder of the chart.
func chart(t *testing.T) string {
	t.Helper()
	return inRepository(t, "charts", "rehome")
}

// build returns the output of kustomize for a folder of config.
func build(t *testing.T, name string) string {
	t.Helper()
	text, err := output(exec.CommandContext(t.Context(), tool(t, "KUSTOMIZE"), "build", inRepository(t, "config", name)))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return text
}
