package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"

	"github.com/rehome-operator/rehome/test/bench/alternatives"
	"github.com/rehome-operator/rehome/test/bench/audit"
	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/placement"
	"github.com/rehome-operator/rehome/test/bench/rewrite"
	"github.com/rehome-operator/rehome/test/bench/scale"
	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/bench/unblock"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

type namedBenchmark struct {
	name string
	run  bench.Benchmark
}

// allBenchmarks are in the order in which they run.
func allBenchmarks() []namedBenchmark {
	return []namedBenchmark{
		{"rewrite", rewrite.Run},
		{"unblock", unblock.Run},
		{"tenants", unblock.RunTenants},
		{"alternatives", alternatives.Run},
		{"admission", admission},
		{"scale", scale.Run},
		{"audit", audit.Run},
		{"placement", placement.Run},
	}
}

// admission measures the webhook: single creates, and many restores at once.
func admission(ctx context.Context, o bench.Options) ([]table.Row, error) {
	rows, err := alternatives.RunAdmission(ctx, o)
	if err != nil {
		return rows, err
	}
	more, err := unblock.RunPrevented(ctx, o)
	return append(rows, more...), err
}

func joinNames(benchmarks []namedBenchmark) string {
	names := make([]string, len(benchmarks))
	for i := range benchmarks {
		names[i] = benchmarks[i].name
	}
	return strings.Join(names, ", ")
}

type runner struct {
	benchmarks []namedBenchmark
	options    bench.Options
}

// selectOnly drops the benchmarks that are not named. Without names it keeps all.
func (r *runner) selectOnly(only []string) error {
	if len(only) == 0 {
		return nil
	}
	for _, name := range only {
		if !slices.ContainsFunc(r.benchmarks, func(b namedBenchmark) bool { return b.name == name }) {
			return fmt.Errorf("unknown benchmark %q, must be one of %s", name, joinNames(r.benchmarks))
		}
	}
	r.benchmarks = slices.DeleteFunc(r.benchmarks, func(b namedBenchmark) bool { return !slices.Contains(only, b.name) })
	return nil
}

type report struct {
	machine string
	rows    []table.Row
}

// prepare builds Rehome. It and run log progress to log.
func (r *runner) prepare(ctx context.Context, log io.Writer) (err error) {
	r.options.Log = log
	r.options.Stepf("build Rehome")
	r.options.Rehome, err = buildRehome(ctx)
	return err
}

// run runs the benchmarks. When some fail, it returns the rows of the others beside the error.
func (r *runner) run(ctx context.Context) (report, error) {
	result := report{machine: describeMachine(r.options.Rehome)}
	var failed []error
	for _, b := range r.benchmarks {
		if ctx.Err() != nil {
			failed = append(failed, fmt.Errorf("%s did not run: %w", b.name, context.Cause(ctx)))
			continue
		}
		rows, err := b.run(ctx, r.options)
		result.rows = append(result.rows, rows...)
		if err != nil {
			r.options.Stepf("%s failed: %s", b.name, err)
			failed = append(failed, fmt.Errorf("%s: %w", b.name, err))
		}
	}
	return result, errors.Join(failed...)
}

// buildRehome builds the program with the flags of a release, and returns its path.
func buildRehome(ctx context.Context) (string, error) {
	root, err := repository.Root()
	if err != nil {
		return "", err
	}
	path, err := repository.Cache("bench", "rehome")
	if err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "go", "build", "-C", root, "-trimpath", "-ldflags=-s -w", "-o", path, ".")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build Rehome: %w: %s", err, out)
	}
	return path, nil
}
