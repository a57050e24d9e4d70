package rewrite

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

// testedPackage has the benchmarks.
const testedPackage = "./pkg/rewrite"

func build(ctx context.Context, program string) error {
	root, err := repository.Root()
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "go", "test", "-C", root, "-c", "-o", program, testedPackage).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the benchmarks: %w: %s", err, out)
	}
	return nil
}

type results map[key][]float64

// key identifies a figure, such as Rewrite, 4KiB and ns/op.
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

// read adds the results in testing's output.
func (r results) read(out []byte) error {
	reader := benchfmt.NewReader(bytes.NewReader(out), testedPackage)
	for reader.Scan() {
		if result, ok := reader.Result().(*benchfmt.Result); ok {
			r.record(result)
		}
	}
	return reader.Err()
}

func (r results) record(result *benchfmt.Result) {
	base, parts := result.Name.Parts()
	if len(parts) == 0 {
		return
	}
	snapshot := string(bytes.TrimPrefix(parts[0], []byte("/")))
	for _, v := range result.Values {
		value, unit := v.Value, v.Unit
		if v.OrigUnit != "" {
			value, unit = v.OrigValue, v.OrigUnit // As testing writes it.
		}
		k := key{string(base), snapshot, unit}
		r[k] = append(r[k], value)
	}
}

// snapshots lists the snapshots by size.
func (r results) snapshots() []string {
	bySize := map[float64]string{}
	for k, values := range r {
		if k.benchmark == decodeBenchmark && k.unit == "B/op" {
			bySize[values[0]] = k.snapshot
		}
	}
	names := make([]string, 0, len(bySize))
	for _, size := range slices.Sorted(maps.Keys(bySize)) {
		names = append(names, bySize[size])
	}
	return names
}

func (r results) median(benchmark, snapshot, unit string) (float64, bool) {
	values := r[key{benchmark, snapshot, unit}]
	return stats.Sample{Xs: values}.Quantile(0.5), len(values) > 0
}
