package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rehome-operator/rehome/test/bench/table"
)

type output struct {
	stdout io.Writer
	// markdown and json are files. Without a markdown file the table goes to stdout.
	markdown, json string
}

// write writes a report to all outputs, even if one of them fails.
func (o output) write(r report) error {
	var failed []error
	if o.markdown == "" {
		failed = append(failed, r.writeMarkdown(o.stdout))
	} else {
		failed = append(failed, writeFile(o.markdown, r.writeMarkdown))
	}
	if o.json != "" {
		failed = append(failed, writeFile(o.json, func(w io.Writer) error { return table.JSON(w, r.rows) }))
	}
	return errors.Join(failed...)
}

func (r report) writeMarkdown(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%s.\n\n", r.machine); err != nil {
		return err
	}
	return table.Markdown(w, r.rows)
}

func writeFile(name string, write func(io.Writer) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return write(file)
}
