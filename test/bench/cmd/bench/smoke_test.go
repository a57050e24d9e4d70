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

// TestMain runs the command's hidden subcommands: benchmarks start this program as the baseline.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		main()
		return
	}
	os.Exit(m.Run())
}

// It does not check figures: those of the smallest sizes mean nothing.
func TestEveryBenchmarkWorks(t *testing.T) {
	for _, b := range allBenchmarks() {
		t.Run(b.name, func(t *testing.T) {
			g := NewWithT(t)
			output := filepath.Join(t.TempDir(), "table.json")
			command := newCommand()
			command.SetArgs([]string{"--smoke", "--only", b.name, "--json", output})
			command.SetOut(t.Output())
			command.SetErr(t.Output())

			g.Expect(command.ExecuteContext(t.Context())).To(Succeed())

			data, err := os.ReadFile(output)
			g.Expect(err).NotTo(HaveOccurred())
			var rows []table.Row
			g.Expect(json.Unmarshal(data, &rows)).To(Succeed())
			g.Expect(rows).NotTo(BeEmpty())
			g.Expect(rows).To(HaveEach(And(HaveField("Section", Not(BeEmpty())), HaveField("What", Not(BeEmpty())))))
		})
	}
}
