// Command rights removes each right of Rehome in turn, and finds a test that fails without it. A right without such a test may be
// superfluous. It takes long, so it runs at night. With arguments, such as "get backups.dataprotection.kubeblocks.io", it removes only those
// rights.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "rights:", err)
		os.Exit(1)
	}
}

// suite is a package of tests and the arguments of its binary.
type suite struct {
	name, module, pkg string
	args              []string
	// atOnce is how many of its runs may run at the same time.
	atOnce int
	binary string
	// audited suites have their API servers write audit logs, by pkg/testing. Those show which specs need a right.
	audited bool
	// first are the specs of a suite without audit logs that run before all others, because they need most rights.
	first []string
}

// suites returns the suites, the quickest first. The skipped specs of controllers take minutes and repeat what others do.
func suites() []*suite {
	return []*suite{
		{name: "admission", module: ".", pkg: "pkg/admission", atOnce: 2, audited: true},
		{name: "operator", module: ".", pkg: "pkg/operator", atOnce: 2, audited: true},
		{name: "controllers", module: ".", pkg: "controllers", atOnce: 2, audited: true, args: []string{"-ginkgo.skip=wherever the process dies|Many stuck Restores"}},
		{
			name: "e2e", module: "test/e2e", pkg: ".", atOnce: 1, first: []string{"unblocks a restore whose Jobs are all stuck"},
			args: []string{"-ginkgo.label-filter=v1.0.2 && (scenarios || monitoring) && !nightly", "-test.timeout=60m"},
		},
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root, err := repository.Root()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "rehome-rights-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	rights, err := wanted(os.Args[1:])
	if err != nil {
		return err
	}
	for _, s := range suites() {
		if len(rights) == 0 {
			return nil
		}
		if err := s.build(ctx, root, dir); err != nil {
			return err
		}
		if rights, err = s.unmissed(ctx, rights); err != nil {
			return err
		}
	}
	if len(rights) > 0 {
		return fmt.Errorf("no test fails without: %s", strings.Join(rights, ", "))
	}
	return nil
}

// wanted returns the given rights, or all.
func wanted(asked []string) ([]string, error) {
	cluster, own, err := rehometesting.Roles()
	if err != nil {
		return nil, err
	}
	counting, err := rehometesting.BackupsRules()
	if err != nil {
		return nil, err
	}
	var all []string
	for _, right := range rehometesting.RightsOf(slices.Concat(cluster, own, counting)) {
		all = append(all, right.String())
	}
	for _, right := range asked {
		if !slices.Contains(all, right) {
			return nil, fmt.Errorf("no role has the right %q", right)
		}
	}
	if len(asked) > 0 {
		return asked, nil
	}
	return all, nil
}

func (s *suite) build(ctx context.Context, root, dir string) error {
	s.binary = filepath.Join(dir, s.name)
	s.module, s.pkg = filepath.Join(root, s.module), filepath.Join(root, s.module, s.pkg)
	if out, err := exec.CommandContext(ctx, "go", "-C", s.module, "test", "-c", "-o", s.binary, s.pkg).CombinedOutput(); err != nil {
		return fmt.Errorf("build the suite %s: %w\n%s", s.name, err, out)
	}
	return nil
}

// unmissed prints the failing test for each right, and returns the rights without one.
func (s *suite) unmissed(ctx context.Context, rights []string) ([]string, error) {
	used, err := s.used(ctx)
	if err != nil {
		return nil, err
	}
	failures := make([]string, len(rights))
	runs, ctx := errgroup.WithContext(ctx)
	runs.SetLimit(s.atOnce)
	for i, right := range rights {
		specs, isUsed := used[right]
		switch {
		case !s.audited:
			specs = s.first
		case !isUsed:
			continue // No test fails without a right that none uses.
		}
		runs.Go(func() (err error) {
			if failures[i], err = s.failureWithout(ctx, right, specs); err == nil && failures[i] != "" {
				fmt.Printf("%-60s %s: %s\n", right, s.name, failures[i])
			}
			return err
		})
	}
	if err := runs.Wait(); err != nil {
		return nil, err
	}
	var left []string
	for i, right := range rights {
		if failures[i] == "" {
			left = append(left, right)
		}
	}
	return left, nil
}

// failureWithout returns the name of a test that fails without a right: of the given specs, or else of all. The audit logs of a suite name
// all specs that can fail.
func (s *suite) failureWithout(ctx context.Context, right string, specs []string) (string, error) {
	focus := make([]string, 0, len(specs))
	for _, spec := range specs {
		focus = append(focus, "-ginkgo.focus= "+regexp.QuoteMeta(spec)+"$") // The description of the suite stands before it.
	}
	if len(focus) > 0 {
		if failure, err := s.failure(ctx, rehometesting.WithoutVariable, right, focus...); failure != "" || err != nil || s.audited {
			return failure, err
		}
	}
	return s.failure(ctx, rehometesting.WithoutVariable, right)
}

var failed = regexp.MustCompile(`\[FAIL\]\s*(.*)`)

// pass runs the suite with all rights. It fails if a test fails, because such a test says nothing about a right.
func (s *suite) pass(ctx context.Context, variable, value string, args ...string) error {
	failure, err := s.failure(ctx, variable, value, args...)
	if err == nil && failure != "" {
		return fmt.Errorf("the suite %s fails with all rights: %s", s.name, failure)
	}
	return err
}

// failure runs the suite with a variable and more arguments, and returns the name of the first failed test, or an empty string.
func (s *suite) failure(ctx context.Context, variable, value string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.binary, slices.Concat(s.args, []string{"-ginkgo.no-color", "-ginkgo.fail-fast"}, args)...)
	cmd.Dir = s.pkg
	cmd.Env = append(os.Environ(), variable+"="+value)
	// An interrupted suite ends its API servers. A second interrupt would stop that, so it gets none from the terminal.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil:
		return "", nil
	case !errors.As(err, &exit):
		return "", fmt.Errorf("run the suite %s: %w", s.name, err)
	}
	name := failed.FindSubmatch(out)
	if name == nil || bytes.HasPrefix(name[1], []byte("[BeforeSuite]")) {
		return "", fmt.Errorf("the suite %s failed with %s=%s, but no test of it:\n%s", s.name, variable, value, out)
	}
	return string(name[1]), nil
}
