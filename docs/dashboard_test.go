package docs

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDashboardSaysWhatNeedsSomebody compares the reasons of its two panels with the tables of restore.md.
func TestDashboardSaysWhatNeedsSomebody(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "restore.md"), "**You must act**")
	section, _, _ = strings.Cut(section, "**Done**")
	var want []string
	for _, row := range reasonRow.FindAllStringSubmatch(section, -1) {
		want = append(want, row[1])
	}
	slices.Sort(want)
	dashboard := read(t, filepath.Join("..", "config", "grafana", "rehome.json"))
	for _, operator := range []string{"=~", "!~"} {
		lists := regexp.MustCompile(`rehome_clusters\{[^}]*reason`+operator+`\\"([A-Za-z|]+)\\"`).FindAllStringSubmatch(dashboard, -1)
		if len(lists) != 1 || lists[0][1] != strings.Join(want, "|") {
			t.Errorf("the dashboard's reasons %s are %q, and those of restore.md are %q", operator, lists, want)
		}
	}
}
