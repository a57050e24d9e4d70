package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/controlplane/assets"
	"github.com/rehome-operator/rehome/test/e2e/pages"
)

// commandTimeout bounds a command.
const commandTimeout = time.Minute

// helmVariable is the environment variable with the path of Helm.
const helmVariable = "HELM"

// reader runs the commands of the documentation, and records which do not do what it says.
type reader struct {
	*testEnv
	plans pages.Plans
	// dir is the working folder and the home.
	dir string
	// values are those of placeholders.
	values   map[string]string
	failures []string
}

// installPrograms puts the programs of the commands into a folder of their own.
func (r *reader) installPrograms() {
	GinkgoHelper()
	programs, err := assets.Dir()
	Expect(err).NotTo(HaveOccurred())
	helm := os.Getenv(helmVariable)
	Expect(helm).NotTo(BeEmpty(), helmVariable+" is not set: run `make test-e2e`")
	Expect(os.Mkdir(r.bin(), 0o755)).To(Succeed())
	for name, path := range map[string]string{
		"rehome": rehomeBinary, "kubectl-rehome": rehomeBinary, "helm": helm, "kubectl": filepath.Join(programs, "kubectl"),
	} {
		Expect(path).To(BeAnExistingFile())
		Expect(os.Symlink(path, filepath.Join(r.bin(), name))).To(Succeed())
	}
}

func (r *reader) bin() string { return filepath.Join(r.dir, "bin") }

// run runs the commands of a stage.
func (r *reader) run(ctx context.Context, stage pages.Stage) {
	GinkgoHelper()
	plans := r.plans.In(stage)
	Expect(plans).NotTo(BeEmpty())
	By(fmt.Sprintf("running %d commands: %s", len(plans), stage))
	r.runAll(ctx, plans)
}

// runAll runs commands. After those of a page, it takes back what they set.
func (r *reader) runAll(ctx context.Context, plans pages.Plans) {
	GinkgoHelper()
	for i, plan := range plans {
		filled, err := plan.Fill(r.values)
		if err == nil {
			err = r.check(ctx, filled)
		}
		if err != nil {
			r.failures = append(r.failures, fmt.Sprintf("%s: %v", plan, err))
		}
		if plan.Stage == pages.Restored && (i+1 == len(plans) || plans[i+1].Command.Page != plan.Command.Page) {
			r.reset(ctx)
		}
	}
}

// reset takes back what the commands of a page set.
func (r *reader) reset(ctx context.Context) {
	GinkgoHelper()
	r.mustRun(ctx, "kubectl annotate namespaces "+documentedNamespace+" "+r.fixture.Namespace+" rehome.kubeblocks.io/mode-")
	r.mustRun(ctx, "kubectl patch rehoming "+documentedCluster+` --type=json -p '[{"op":"replace","path":"/spec","value":{}}]'`)
}

func (r *reader) mustRun(ctx context.Context, command string) {
	GinkgoHelper()
	out, err := r.shell(ctx, command)
	Expect(err).NotTo(HaveOccurred(), "%s: %s", command, out)
}

// check runs a command, and compares its status and output with the plan.
func (r *reader) check(ctx context.Context, plan pages.Plan) error {
	out, err := r.shell(ctx, plan.Text)
	status := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status = exit.ExitCode()
	} else if err != nil {
		return err
	}
	if status != plan.Status {
		return fmt.Errorf("status %d, not %d: %s", status, plan.Status, out)
	}
	if expected := regexp.MustCompile(plan.Rule.Output); !expected.MatchString(out) {
		return fmt.Errorf("%q does not match %q", out, plan.Rule.Output)
	}
	if !r.isDocumentedVersion() || plan.Elsewhere != "" {
		return nil
	}
	if missing := pages.Missing(plan.Command.Output, out); len(missing) > 0 {
		return fmt.Errorf("it does not print\n  %s\nbut\n%s", strings.Join(missing, "\n  "), out)
	}
	return nil
}

// shell runs a command and returns all that it prints. `go run .` is replaced by the program, to save a build.
func (r *reader) shell(ctx context.Context, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", strings.Replace(command, "go run . ", "rehome ", 1))
	cmd.Dir = r.dir
	cmd.Env = []string{"HOME=" + r.dir, "KUBECONFIG=" + r.controlPlane.Kubeconfig(), "PATH=" + r.bin() + ":/usr/bin:/bin"}
	begun := time.Now()
	out, err := cmd.CombinedOutput()
	GinkgoWriter.Printf("$ %s  (%s, %v)\n%s", command, time.Since(begun).Round(time.Millisecond), err, out)
	return string(out), err
}
