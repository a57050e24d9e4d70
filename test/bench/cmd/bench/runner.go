package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"

	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/engine"
	"github.com/rehome-operator/rehome/test/bench/peer"
	"github.com/rehome-operator/rehome/test/bench/scale"
	"github.com/rehome-operator/rehome/test/bench/stuck"
	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

// named is a benchmark and what it is called on the command line.
type named struct {
	name string
	run  bench.Benchmark
}

// benchmarks are all there are, in the order in which they run.
func benchmarks() []named {
	return []named{
		{"engine", engine.Run},
		{"stuck", stuck.Run},
		{"peer", peer.Run},
		{"scale", scale.Run},
	}
}

func names(of []named) string {
	list := make([]string, len(of))
	for i := range of {
		list[i] = of[i].name
	}
	return strings.Join(list, ", ")
}

// runner runs benchmarks.
type runner struct {
	benchmarks []named
	options    bench.Options
}

// choose leaves those with these names, or all where there are none.
func (r *runner) choose(only []string) error {
	if len(only) == 0 {
		return nil
	}
	for _, name := range only {
		if !slices.ContainsFunc(r.benchmarks, func(b named) bool { return b.name == name }) {
			return fmt.Errorf("no benchmark %q here, only %s", name, names(r.benchmarks))
		}
	}
	r.benchmarks = slices.DeleteFunc(r.benchmarks, func(b named) bool { return !slices.Contains(only, b.name) })
	return nil
}

// report is what a run showed, and where.
type report struct {
	where string
	rows  []table.Row
}

// prepare builds what is measured. Progress goes to log, then and later.
func (r *runner) prepare(ctx context.Context, log io.Writer) (err error) {
	r.options.Log = log
	r.options.Stepf("build Rehome")
	r.options.Rehome, err = buildRehome(ctx)
	return err
}

// run returns what was measured, also when some of it failed.
func (r *runner) run(ctx context.Context) (report, error) {
	found := report{where: machine(r.options.Rehome)}
	var failed []error
	for _, b := range r.benchmarks {
		if ctx.Err() != nil {
			failed = append(failed, fmt.Errorf("%s did not run: %w", b.name, context.Cause(ctx)))
			continue
		}
		rows, err := b.run(ctx, r.options)
		found.rows = append(found.rows, rows...)
		if err != nil {
			r.options.Stepf("%s failed: %s", b.name, err)
			failed = append(failed, fmt.Errorf("%s: %w", b.name, err))
		}
	}
	return found, errors.Join(failed...)
}

// buildRehome builds the program as it is released, and returns its path.
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
