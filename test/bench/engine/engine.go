// Package engine measures the rewrite against decoding the same snapshot with encoding/json: less than that no rewrite can cost
// that goes through Go's generic values.
package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
)

// The benchmarks of pkg/rewrite that are compared, without the prefix "Benchmark".
const (
	rewrite = "Rewrite"
	decode  = "Decode"
)

// size is how much is measured: each benchmark runs this often, in turn with the other, for as long as benchtime says. Many short turns
// even out better what else the machine does than a few long ones.
type size struct {
	alternations int
	benchtime    string
}

var (
	full  = size{alternations: 20, benchtime: "300ms"}
	smoke = size{alternations: 2, benchtime: "1x"}
)

// Run measures the rewrite.
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
	o.Stepf("engine: build the benchmarks of pkg/rewrite")
	program := filepath.Join(dir, "rewrite.test")
	if err := build(ctx, program); err != nil {
		return nil, err
	}
	measured := results{}
	for i := range n.alternations {
		o.Stepf("engine: run them, round %d of %d", i+1, n.alternations)
		// In turn, so that what else the machine does hits both.
		for _, name := range []string{rewrite, decode} {
			if err := measured.add(ctx, program, name, n.benchtime); err != nil {
				return nil, err
			}
		}
	}
	return rows(measured)
}

// figures are what is compared, by the unit in which testing reports it.
var figures = []struct{ unit, what, goal string }{
	{"ns/op", "time", "ratio <= 1.5"},
	{"allocs/op", "allocations", "ratio <= 1.5"},
	{"B/op", "bytes allocated", ""},
}

func rows(measured results) ([]table.Row, error) {
	var list []table.Row
	for _, snapshot := range measured.snapshots() {
		for _, f := range figures {
			own, ownOK := measured.median(rewrite, snapshot, f.unit)
			other, otherOK := measured.median(decode, snapshot, f.unit)
			if !ownOK || !otherOK {
				return nil, fmt.Errorf("the benchmarks report no %s for a snapshot of %s", f.unit, snapshot)
			}
			list = append(list, table.Row{
				Section: "Rewrite",
				What:    fmt.Sprintf("snapshot of %s: %s", strings.Replace(snapshot, "KiB", " KiB", 1), f.what),
				Unit:    f.unit, Rehome: own, Against: "encoding/json decodes it", Other: other, Goal: f.goal,
			})
		}
	}
	return list, nil
}
