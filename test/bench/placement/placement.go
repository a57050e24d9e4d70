// Package placement compares `rehome explain` and `rehome preflight` with the same passes through the scheduler's plugins alone.
package placement

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/perf/benchfmt"

	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

// The benchmarks of the module placement, without the prefix "Benchmark", and how often each runs for its mean. Each has 30 Pods on a node.
var benchmarks = []struct{ name, what, benchtime string }{
	{"Explain", "explain 30 Pods", "3x"},
	{"Preflight", "preflight of 100 Pods", once},
}

const once = "1x"

// What the benchmarks report, by testing's unit.
const (
	unitPasses = "passes"
	unitTime   = "ms"
	unitAlone  = "alone-ms"
)

// The numbers of nodes.
var (
	full  = []int{100, 1000, 5000}
	smoke = []int{100}
)

// Run is a bench.Benchmark.
func Run(ctx context.Context, o bench.Options) (rows []table.Row, err error) {
	sizes := full
	if o.Smoke {
		sizes = smoke
	}
	dir, err := os.MkdirTemp("", "rehome-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	o.Stepf("placement: build the benchmarks of the module placement")
	program := filepath.Join(dir, "placement.test")
	if err := build(ctx, program); err != nil {
		return nil, err
	}
	for _, b := range benchmarks {
		for _, nodes := range sizes {
			o.Stepf("placement: %s, %d nodes", b.what, nodes)
			measured, err := run(ctx, program, b.name, nodes, b.benchtime)
			if err != nil {
				return rows, err
			}
			if measured.values[unitTime] == 0 || measured.values[unitAlone] == 0 {
				return rows, fmt.Errorf("the benchmark %s reports no time", b.name)
			}
			o.Stepf("placement: %s, %d nodes, for its memory", b.what, nodes)
			command, err := run(ctx, program, b.name, nodes, once, "-alone=false")
			if err != nil {
				return rows, err
			}
			measured.memory = command.memory
			what := fmt.Sprintf("%s, %d nodes with 30 Pods each", b.what, nodes)
			rows = append(rows, measured.rows(what)...)
		}
	}
	return rows, nil
}

func build(ctx context.Context, program string) error {
	root, err := repository.Root()
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "go", "test", "-C", filepath.Join(root, "placement"), "-c", "-o", program, ".").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the benchmarks: %w: %s", err, out)
	}
	return nil
}

// result is what one benchmark reported, and the largest resident set of its process in MiB.
type result struct {
	values map[string]float64
	memory float64
}

// run runs one benchmark in a process of its own.
func run(ctx context.Context, program, name string, nodes int, benchtime string, flags ...string) (result, error) {
	r := result{values: map[string]float64{}}
	selected := fmt.Sprintf("^Benchmark%s$/^nodes=%d$", name, nodes)
	cmd := exec.CommandContext(ctx, program, append(flags, "-test.run=^$", "-test.bench="+selected, "-test.benchtime="+benchtime)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return r, fmt.Errorf("run the benchmark %s: %w: %s", name, err, out)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return r, errors.New("the memory of a process is not known on this system")
	}
	r.memory = float64(usage.Maxrss) / 1024
	reader := benchfmt.NewReader(bytes.NewReader(out), name)
	for reader.Scan() {
		if result, ok := reader.Result().(*benchfmt.Result); ok {
			for _, value := range result.Values {
				r.values[value.Unit] = value.Value
			}
		}
	}
	return r, reader.Err()
}

func (r result) rows(what string) []table.Row {
	const section = "Explain and preflight"
	return []table.Row{{
		Section: section, What: what + ": time", Unit: "ms", Rehome: r.values[unitTime],
		Against: "the same passes alone", Other: r.values[unitAlone], Goal: "ratio <= 2",
		Note: fmt.Sprintf("%.0f passes", r.values[unitPasses]),
	}, {
		Section: section, What: what + ": peak RSS", Unit: "MiB", Rehome: r.memory, Goal: "<= 400",
		Note: "with all Pods of the cluster",
	}}
}
