package docs

import (
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

var (
	reasonRow = regexp.MustCompile("(?m)^\\| `([A-Z][A-Za-z]+)` \\|")
	word      = regexp.MustCompile(`\b[A-Z][A-Za-z]+\b`)
)

// TestFlowChartHasEveryReason compares the chart with the tables of the page. A test of api/v1alpha1 compares these with the code.
func TestFlowChartHasEveryReason(t *testing.T) {
	for _, page := range []string{"restore.md", filepath.Join("zh-CN", "restore.md")} {
		text := read(t, page)
		charts := diagram.FindAllString(text, -1)
		if len(charts) != 1 {
			t.Fatalf("%s has %d diagrams", page, len(charts))
		}
		inChart := word.FindAllString(charts[0], -1)
		reasons := 0
		for _, row := range reasonRow.FindAllStringSubmatch(text, -1) {
			reasons++
			if !slices.Contains(inChart, row[1]) {
				t.Errorf("the chart of %s lacks %s", page, row[1])
			}
		}
		if reasons < 30 {
			t.Errorf("%s has %d reasons", page, reasons)
		}
	}
}
