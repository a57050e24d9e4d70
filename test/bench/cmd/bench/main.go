// Command bench runs the benchmarks and prints their table.
package main

import (
	"fmt"
	"os"

	"github.com/rehome-operator/rehome/test/bench/table"
)

func main() {
	if err := table.Markdown(os.Stdout, nil); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
