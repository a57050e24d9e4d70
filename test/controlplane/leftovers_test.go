package controlplane_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/gomega"
)

// expectNothingLeft expects that neither the data folder nor a process that was told about it remains, and that nobody
// serves at address.
func expectNothingLeft(g Gomega, dir, address string) {
	g.Expect(dir).NotTo(BeADirectory())
	g.Expect(processesNaming(dir)).To(BeEmpty())
	_, err := net.Dial("tcp", address)
	g.Expect(err).To(MatchError(ContainSubstring("connection refused")))
}

// processesNaming are the command lines that name dir: those of all components, the keeper and the watchdog.
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
