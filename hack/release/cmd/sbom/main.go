// Command sbom writes the list of a program's components.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/rehome-operator/rehome/hack/release/sbom"
)

func main() {
	output := flag.String("output", "", "file to write to")
	flag.Parse()
	if err := run(flag.Arg(0), *output); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(program, output string) error {
	components, err := sbom.Generate(program)
	if err != nil {
		return fmt.Errorf("list the components of %q: %w", program, err)
	}
	return os.WriteFile(output, components, 0o644)
}
