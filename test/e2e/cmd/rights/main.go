// Command rights takes each right that Rehome has away, one after another, and finds a test that fails without it. A right that no
// test misses is one that Rehome need not have. It takes long: it is for the night. With rights as arguments, such as "patch events",
// it tries those only.
package main

import (
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

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "rights:", err)
		os.Exit(1)
	}
}

// suite is a suite of tests, as a folder and the arguments of its binary.
type suite struct {
	name, module, pkg string
	args              []string
	binary            string
}

// suites are tried in this order: the first is the quickest.
func suites() []*suite {
	return []*suite{
		{name: "operator", module: ".", pkg: "pkg/operator", args: []string{"-ginkgo.fail-fast"}},
		{name: "controllers", module: ".", pkg: "controllers", args: []string{"-ginkgo.fail-fast", "-ginkgo.label-filter=!harness"}},
		{name: "e2e", module: "test/e2e", pkg: ".", args: []string{"-ginkgo.fail-fast", "-ginkgo.label-filter=v1.0.2 && scenarios", "-test.timeout=30m"}},
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
	all := suites()
	for _, s := range all {
		s.binary = filepath.Join(dir, s.name)
		s.module, s.pkg = filepath.Join(root, s.module), filepath.Join(root, s.module, s.pkg)
		if out, err := exec.CommandContext(ctx, "go", "-C", s.module, "test", "-c", "-o", s.binary, s.pkg).CombinedOutput(); err != nil {
			return fmt.Errorf("build the suite %s: %w\n%s", s.name, err, out)
		}
	}
	cluster, own, err := rehometesting.Roles()
	if err != nil {
		return err
	}
	var needless []string
	for _, right := range rehometesting.RightsOf(slices.Concat(cluster, own)) {
		if wanted := os.Args[1:]; len(wanted) > 0 && !slices.Contains(wanted, right.String()) {
			continue
		}
		missedBy, err := missed(ctx, all, right)
		if err != nil {
			return err
		}
		if missedBy == "" {
			needless = append(needless, right.String())
			missedBy = "no test"
		}
		fmt.Printf("%-60s %s\n", right, missedBy)
	}
	if len(needless) > 0 {
		return fmt.Errorf("no test misses: %s", strings.Join(needless, ", "))
	}
	return nil
}

var failed = regexp.MustCompile(`\[FAIL\]\s*(.*)`)

// missed returns the name of a test that fails without a right, or an empty string.
func missed(ctx context.Context, all []*suite, right rehometesting.Right) (string, error) {
	for _, s := range all {
		cmd := exec.CommandContext(ctx, s.binary, append(s.args, "-ginkgo.no-color")...)
		cmd.Dir = s.pkg
		cmd.Env = append(os.Environ(), rehometesting.WithoutVariable+"="+right.String())
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case err == nil:
			continue
		case !errors.As(err, &exit):
			return "", fmt.Errorf("run the suite %s: %w", s.name, err)
		}
		name := failed.FindSubmatch(out)
		if name == nil {
			return "", fmt.Errorf("the suite %s failed, but no test of it:\n%s", s.name, out)
		}
		return s.name + ": " + string(name[1]), nil
	}
	return "", nil
}
