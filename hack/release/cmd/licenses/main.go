// Command licenses collects the licences of all modules that rehome links.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/rehome-operator/rehome/hack/release/licenses"
)

func main() {
	source := flag.String("source", ".", "folder of the main package")
	output := flag.String("output", "", "folder to write to; its content is removed")
	flag.Parse()
	if err := run(*source, *output); err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

func run(source, output string) error {
	if err := os.RemoveAll(output); err != nil {
		return err
	}
	return licenses.Collect(context.Background(), source, output, []string{"linux", "darwin", "windows"})
}
