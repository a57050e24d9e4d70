// Package bench holds what the benchmarks share. Each benchmark is a package with a function of type Benchmark.
package bench

import (
	"context"
	"fmt"
	"io"

	"github.com/rehome-operator/rehome/test/bench/table"
)

// Benchmark returns the rows that it measured, also on an error. It returns soon after ctx is done, and leaves no process running.
type Benchmark func(ctx context.Context, o Options) ([]table.Row, error)

// Options are the same for every benchmark of a run.
type Options struct {
	// Rehome is the path of the program.
	Rehome string
	// Smoke selects the smallest sizes, to check that the benchmark works. Its figures mean nothing.
	Smoke bool
	// Log receives progress, one line per step.
	Log io.Writer
}

// Stepf logs the start of a step.
func (o Options) Stepf(format string, args ...any) {
	_, _ = fmt.Fprintf(o.Log, format+"\n", args...)
}
