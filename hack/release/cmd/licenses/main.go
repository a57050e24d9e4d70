// Command licenses collects the licences of all modules that programs link. Its arguments are the folders of their main packages.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/rehome-operator/rehome/hack/release/licenses"
)

func main() {
	output := flag.String("output", "", "folder to write to; its content is removed")
	flag.Parse()
	if err := run(flag.Args(), *output); err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

func run(sources []string, output string) error {
	if err := os.RemoveAll(output); err != nil {
		return err
	}
	for _, source := range sources {
		if err := licenses.Collect(context.Background(), source, output, []string{"linux", "darwin", "windows"}); err != nil {
			return fmt.Errorf("%s: %w", source, err)
		}
	}
	return nil
}
