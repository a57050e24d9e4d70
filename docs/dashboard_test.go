package docs

import (
	"encoding/json"
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

// panel is a panel of the dashboard.
type panel struct {
	Title       string
	Interval    string
	Targets     []struct{ Expr string }
	FieldConfig struct {
		Defaults struct {
			Custom struct {
				DrawStyle string
				Stacking  struct{ Mode string }
			}
		}
	}
}

// panelOf returns the panel of the dashboard with a title.
func panelOf(t *testing.T, title string) panel {
	t.Helper()
	var dashboard struct{ Panels []panel }
	if err := json.Unmarshal([]byte(read(t, filepath.Join("..", "config", "grafana", "rehome.json"))), &dashboard); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(dashboard.Panels, func(p panel) bool { return p.Title == title })
	if i < 0 {
		t.Fatalf("the dashboard has no panel %q", title)
	}
	return dashboard.Panels[i]
}

// TestDashboardHasOneBarForARemediation keeps bars from overlapping: each counts the time up to the next, and they are stacked.
func TestDashboardHasOneBarForARemediation(t *testing.T) {
	p := panelOf(t, "Remediations")
	custom := p.FieldConfig.Defaults.Custom
	if custom.DrawStyle != "bars" || custom.Stacking.Mode != "normal" {
		t.Errorf("it draws %s, stacked %s, not stacked bars", custom.DrawStyle, custom.Stacking.Mode)
	}
	if !strings.HasSuffix(p.Targets[0].Expr, "[$__interval]))") || p.Interval == "" {
		t.Errorf("%s with the least interval %q counts an increase twice or not at all", p.Targets[0].Expr, p.Interval)
	}
}

func TestDashboardShowsVersionAndMode(t *testing.T) {
	targets := panelOf(t, "Version and mode").Targets
	for i, metric := range []string{"by (version) (rehome_build_info{", "by (mode) (rehome_mode{"} {
		if !strings.Contains(targets[i].Expr, metric) {
			t.Errorf("%s has no %s", targets[i].Expr, metric)
		}
	}
}

// TestDashboardShowsTheLongestWait has the wait that the alerts compare: two Pods of Rehome can report a Cluster since different times.
func TestDashboardShowsTheLongestWait(t *testing.T) {
	for _, title := range []string{"Longest wait", "Restored Clusters that wait"} {
		if expr := panelOf(t, title).Targets[0].Expr; !strings.HasPrefix(expr, "time() - min") {
			t.Errorf("%s: %s", title, expr)
		}
	}
}
