package engine

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"

	"github.com/aclements/go-moremath/stats"
	"golang.org/x/perf/benchfmt"

	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

// tested is the package whose benchmarks are run.
const tested = "./pkg/rewrite"

// build compiles the benchmarks.
func build(ctx context.Context, program string) error {
	root, err := repository.Root()
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "go", "test", "-C", root, "-c", "-o", program, tested).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the benchmarks: %w: %s", err, out)
	}
	return nil
}

// results holds what was measured.
type results map[key][]float64

// key says which figure it is: benchmark and snapshot name the benchmark, such as Rewrite and 4KiB.
type key struct{ benchmark, snapshot, unit string }

// add runs one benchmark once, on all snapshots.
func (r results) add(ctx context.Context, program, benchmark, benchtime string) error {
	cmd := exec.CommandContext(ctx, program,
		"-test.run=^$", "-test.bench=^Benchmark"+benchmark+"$", "-test.benchtime="+benchtime)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("run the benchmark %s: %w: %s", benchmark, err, out)
	}
	return r.read(out)
}

// read takes what testing writes.
func (r results) read(out []byte) error {
	reader := benchfmt.NewReader(bytes.NewReader(out), tested)
	for reader.Scan() {
		if result, ok := reader.Result().(*benchfmt.Result); ok {
			r.take(result)
		}
	}
	return reader.Err()
}

func (r results) take(result *benchfmt.Result) {
	base, parts := result.Name.Parts()
	if len(parts) == 0 {
		return
	}
	snapshot := string(bytes.TrimPrefix(parts[0], []byte("/")))
	for _, v := range result.Values {
		value, unit := v.Value, v.Unit
		if v.OrigUnit != "" {
			value, unit = v.OrigValue, v.OrigUnit // as testing writes it
		}
		k := key{string(base), snapshot, unit}
		r[k] = append(r[k], value)
	}
}

// snapshots lists the snapshots, the smallest first.
func (r results) snapshots() []string {
	bySize := map[float64]string{}
	for k, values := range r {
		if k.benchmark == decode && k.unit == "B/op" {
			bySize[values[0]] = k.snapshot
		}
	}
	names := make([]string, 0, len(bySize))
	for _, size := range slices.Sorted(maps.Keys(bySize)) {
		names = append(names, bySize[size])
	}
	return names
}

// median returns the median of a figure, if it was measured.
func (r results) median(benchmark, snapshot, unit string) (float64, bool) {
	values := r[key{benchmark, snapshot, unit}]
	return stats.Sample{Xs: values}.Quantile(0.5), len(values) > 0
}
