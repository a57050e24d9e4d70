package docs

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var sizingRow = regexp.MustCompile(`(?m)^\| ([\d,]+) \| (\d+) MiB \|`)

// TestSizingIsMeasured compares the chart's sizing with the benchmarks.
func TestSizingIsMeasured(t *testing.T) {
	benchmarks := read(t, "performance.md")
	rows := sizingRow.FindAllStringSubmatch(read(t, filepath.Join("..", "charts", "rehome", "README.md")), -1)
	if len(rows) == 0 {
		t.Fatal("the chart's README has no sizing")
	}
	for _, row := range rows {
		clusters := strings.ReplaceAll(row[1], ",", "")
		measured := regexp.MustCompile(`(?m)^\| ` + clusters + ` Clusters, .*: RSS at rest \| ([\d.]+) MiB`).FindStringSubmatch(benchmarks)
		if measured == nil {
			t.Errorf("%s Clusters were not measured", clusters)
			continue
		}
		value, err := strconv.ParseFloat(measured[1], 64)
		if err != nil || fmt.Sprint(math.Round(value)) != row[2] {
			t.Errorf("with %s Clusters, the chart says %s MiB, and the benchmark %s", clusters, row[2], measured[1])
		}
	}
}
