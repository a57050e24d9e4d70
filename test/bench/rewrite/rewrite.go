// Package rewrite compares pkg/rewrite with encoding/json decoding the same snapshot.
package rewrite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
)

// The compared benchmarks of pkg/rewrite, without the prefix "Benchmark".
const (
	rewriteBenchmark = "Rewrite"
	decodeBenchmark  = "Decode"
)

// size sets how often the two benchmarks alternate, and how long each runs. Many short rounds even out other load on the machine.
type size struct {
	rounds    int
	benchtime string
}

var (
	full  = size{rounds: 20, benchtime: "300ms"}
	smoke = size{rounds: 2, benchtime: "1x"}
)

// Run is a bench.Benchmark.
func Run(ctx context.Context, o bench.Options) ([]table.Row, error) {
	n := full
	if o.Smoke {
		n = smoke
	}
	dir, err := os.MkdirTemp("", "rehome-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	o.Stepf("rewrite: build the benchmarks of pkg/rewrite")
	program := filepath.Join(dir, "rewrite.test")
	if err := build(ctx, program); err != nil {
		return nil, err
	}
	measured := results{}
	for i := range n.rounds {
		o.Stepf("rewrite: run them, round %d of %d", i+1, n.rounds)
		for _, name := range []string{rewriteBenchmark, decodeBenchmark} {
			if err := measured.add(ctx, program, name, n.benchtime); err != nil {
				return nil, err
			}
		}
	}
	return rows(measured)
}

// figures are the compared figures, by testing's unit.
var figures = []struct{ unit, what, goal string }{
	{"ns/op", "time", "ratio <= 1.5"},
	{"allocs/op", "allocations", "ratio <= 1.5"},
	{"B/op", "bytes allocated", ""},
}

func rows(measured results) ([]table.Row, error) {
	var list []table.Row
	for _, snapshot := range measured.snapshots() {
		for _, f := range figures {
			own, ownOK := measured.median(rewriteBenchmark, snapshot, f.unit)
			other, otherOK := measured.median(decodeBenchmark, snapshot, f.unit)
			if !ownOK || !otherOK {
				return nil, fmt.Errorf("the benchmarks report no %s for a snapshot of %s", f.unit, snapshot)
			}
			list = append(list, table.Row{
				Section: "Rewrite",
				What:    fmt.Sprintf("snapshot of %s: %s", strings.Replace(snapshot, "KiB", " KiB", 1), f.what),
				Unit:    f.unit, Rehome: own, Against: "encoding/json", Other: other, Goal: f.goal,
			})
		}
	}
	return list, nil
}
