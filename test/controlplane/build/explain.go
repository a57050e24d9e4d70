package build

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
)

// failedDownload matches the lines in which the go command says that a module could not be had.
var failedDownload = regexp.MustCompile(`(?m)^.*(Get "https?://|reading https?://|dial tcp|GOPROXY=off).*$`)

// explain is the error, in one line, of a go command that failed with err and this output, which it writes to log.
func explain(err error, output []byte, log string) error {
	if writeErr := os.WriteFile(log, output, 0o644); writeErr != nil {
		return fmt.Errorf("%s (the full log could not be written: %w)", reason(err, output), writeErr)
	}
	return fmt.Errorf("%s (full log: %s)", reason(err, output), log)
}

func reason(err error, output []byte) string {
	if bytes.Contains(output, []byte("no space left on device")) {
		return "the disk is full: no space left on device; the build goes on from where it stopped when there is"
	}
	if line := failedDownload.Find(output); line != nil {
		return fmt.Sprintf("a module could not be downloaded: %s", bytes.TrimSpace(line))
	}
	lines := bytes.Split(bytes.TrimSpace(output), []byte("\n"))
	return fmt.Sprintf("%v: %s", err, bytes.TrimSpace(lines[len(lines)-1]))
}
