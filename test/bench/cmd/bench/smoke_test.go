package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/bench/table"
)

// TestMain lets this program be the others that Rehome is measured beside, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		main()
		return
	}
	os.Exit(m.Run())
}

// The figures of the smallest sizes mean nothing, so nothing is expected of them.
func TestEveryBenchmarkWorks(t *testing.T) {
	for _, b := range benchmarks() {
		t.Run(b.name, func(t *testing.T) {
			g := NewWithT(t)
			written := filepath.Join(t.TempDir(), "table.json")
			command := newCommand()
			command.SetArgs([]string{"--smoke", "--only", b.name, "--json", written})
			command.SetOut(t.Output())
			command.SetErr(t.Output())

			g.Expect(command.ExecuteContext(t.Context())).To(Succeed())

			data, err := os.ReadFile(written)
			g.Expect(err).NotTo(HaveOccurred())
			var rows []table.Row
			g.Expect(json.Unmarshal(data, &rows)).To(Succeed())
			g.Expect(rows).NotTo(BeEmpty())
			g.Expect(rows).To(HaveEach(And(HaveField("Section", Not(BeEmpty())), HaveField("What", Not(BeEmpty())))))
		})
	}
}
