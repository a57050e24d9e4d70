package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

var update = flag.Bool("update", false, "write what the command prints for each input, instead of comparing it")

// inputArgs are more arguments for an input, by the beginning of its file name.
var inputArgs = map[string][]string{
	"02-": {"--backup", "nightly-2"},
	"13-": {"--identity-labels", "app"},
}

// TestInputsOfTheField compares all that `rehome rewrite` does with whole files: the Cluster, the findings and the exit status.
func TestInputsOfTheField(t *testing.T) {
	all, err := filepath.Glob(filepath.Join("testdata", "field", "*"))
	files := slices.DeleteFunc(all, func(file string) bool { return filepath.Ext(file) == ".txt" })
	if err != nil || len(files) < 14 {
		t.Fatalf("inputs are missing: %v %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			g := NewWithT(t)
			printed := runInput(file)
			golden := file + ".txt"
			if *update {
				g.Expect(os.WriteFile(golden, []byte(printed), 0o600)).To(Succeed())
			}
			want, err := os.ReadFile(golden)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(printed).To(Equal(string(want)))
		})
	}
}

// runInput returns what a terminal would show.
func runInput(file string) string {
	args := []string{"-f", file, "--to", "carrot67"}
	for prefix, more := range inputArgs {
		if strings.HasPrefix(filepath.Base(file), prefix) {
			args = append(args, more...)
		}
	}
	r := runIn(noCluster(), "", append(args, "--strict")...)
	shown := r.stderr
	if r.err != nil && r.err.Error() != "" {
		shown += "error: " + r.err.Error() + "\n"
	}
	return fmt.Sprintf("$ rehome rewrite %s --strict\n%s%sexit status %d\n", strings.Join(args, " "), shown, r.out, ExitStatus(r.err))
}
