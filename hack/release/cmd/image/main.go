// Command image packs builds of rehome, one per platform, into a container image.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/rehome-operator/rehome/hack/release/image"
)

func main() {
	licenses := flag.String("licenses", "", "folder with the licences of all linked modules")
	output := flag.String("output", "", "folder to write to; its content is removed")
	repository := flag.String("repository", "", "name of the image, without a tag")
	flag.Parse()
	if err := run(flag.Args(), *licenses, *output, *repository); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(programs []string, licenses, output, repository string) error {
	release, err := image.Build(programs, os.DirFS(licenses))
	if err != nil {
		return err
	}
	if err := os.RemoveAll(output); err != nil {
		return err
	}
	reference, err := release.Write(output, repository)
	if err != nil {
		return err
	}
	_, err = fmt.Println(reference)
	return err
}
