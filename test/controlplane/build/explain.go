package build

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
)

// failedDownload matches lines of the go command about a failed download.
var failedDownload = regexp.MustCompile(`(?m)^.*(Get "https?://|reading https?://|dial tcp|GOPROXY=off).*$`)

// explain writes the output of a failed go command to log, and returns an error of one line.
func explain(err error, output []byte, log string) error {
	if writeErr := os.WriteFile(log, output, 0o644); writeErr != nil {
		return fmt.Errorf("%s (the full log could not be written: %w)", reason(err, output), writeErr)
	}
	return fmt.Errorf("%s (full log: %s)", reason(err, output), log)
}

func reason(err error, output []byte) string {
	if bytes.Contains(output, []byte("no space left on device")) {
		return "no space left on device: free some space and build again, which continues where it stopped"
	}
	if line := failedDownload.Find(output); line != nil {
		return fmt.Sprintf("a module could not be downloaded: %s", bytes.TrimSpace(line))
	}
	lines := bytes.Split(bytes.TrimSpace(output), []byte("\n"))
	return fmt.Sprintf("%v: %s", err, bytes.TrimSpace(lines[len(lines)-1]))
}
