package controlplane_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/gomega"
)

// expectNothingLeft expects that the data folder is removed, that no process has it in its command line, and that the address is
// closed.
func expectNothingLeft(g Gomega, dir, address string) {
	g.Expect(dir).NotTo(BeADirectory())
	g.Expect(processesNaming(dir)).To(BeEmpty())
	_, err := net.Dial("tcp", address)
	g.Expect(err).To(MatchError(ContainSubstring("connection refused")))
}

// processesNaming returns the command lines that contain dir: those of all components, the keeper and the watchdog.
func processesNaming(dir string) []string {
	var found []string
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil {
			continue // it has exited meanwhile
		}
		if text := string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})); strings.Contains(text, dir) {
			found = append(found, text)
		}
	}
	return found
}
