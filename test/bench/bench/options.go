// Package bench holds what all benchmarks share. A benchmark is a package with a function of the type Benchmark.
package bench

import (
	"context"
	"fmt"
	"io"

	"github.com/rehome-operator/rehome/test/bench/table"
)

// Benchmark measures, and returns the rows it measured. On an error it returns the rows that it had by then. It leaves nothing
// running when it returns, which it does soon after ctx is done.
type Benchmark func(ctx context.Context, o Options) ([]table.Row, error)

// Options are the same for every benchmark of a run.
type Options struct {
	// Rehome is the path of the built program.
	Rehome string
	// Smoke asks for the smallest sizes: it shows that the benchmark works, and its figures mean nothing.
	Smoke bool
	// Log takes progress, a line a step.
	Log io.Writer
}

// Stepf logs a step that begins now.
func (o Options) Stepf(format string, args ...any) {
	// The progress is for a person: a run goes on without it.
	_, _ = fmt.Fprintf(o.Log, format+"\n", args...)
}
