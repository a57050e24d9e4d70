package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	codeSpan = regexp.MustCompile("`[^`]+`")
	diagram  = regexp.MustCompile("(?ms)^```(?:mermaid|text)$.*?^```$")
	level    = regexp.MustCompile(`(?m)^(#+) `)
	language = regexp.MustCompile(`\[(English|中文)\]\([^)]+\)`)
)

// translated are the pages that exist in Chinese, with the folder of the Chinese ones. A glob names new pages, too.
var translated = map[string]string{
	"audit.md":           "zh-CN",
	"restore.md":         "zh-CN",
	"troubleshooting.md": "zh-CN",
	"runbooks/*.md":      "zh-CN",
}

// TestChinesePagesSayTheSame compares what no translation changes: headings, code, reasons, rows of tables, and links.
func TestChinesePagesSayTheSame(t *testing.T) {
	compared := map[string]bool{filepath.Join("..", "README.zh-CN.md"): true}
	comparePages(t, filepath.Join("..", "README.md"), filepath.Join("..", "README.zh-CN.md"))
	for pattern, folder := range translated {
		english, err := filepath.Glob(pattern)
		if err != nil || len(english) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, page := range english {
			chinese := filepath.Join(folder, page)
			compared[chinese] = true
			comparePages(t, page, chinese)
		}
	}
	for _, page := range pages(t) {
		page = strings.TrimPrefix(page, filepath.Join("..", "docs")+string(filepath.Separator))
		if strings.Contains(page, "zh-CN") && !compared[page] {
			t.Errorf("%s has no English page", page)
		}
	}
}

func comparePages(t *testing.T, english, chinese string) {
	t.Helper()
	if _, err := os.Stat(chinese); err != nil {
		t.Errorf("%s is not translated: %v", english, err)
		return
	}
	en, zh := invariants(read(t, english)), invariants(read(t, chinese))
	for name, want := range en {
		missing, extra := difference(want, zh[name]), difference(zh[name], want)
		if len(missing)+len(extra) > 0 {
			t.Errorf("%s and %s differ in their %s: only English %q, only Chinese %q", english, chinese, name, missing, extra)
		}
	}
}

// invariants returns the parts of a page that are the same in every language. The order of words is not.
func invariants(page string) map[string][]string {
	page = language.ReplaceAllString(page, "")
	found := map[string][]string{"diagrams": diagram.FindAllString(page, -1)}
	for i := range found["diagrams"] {
		found["diagrams"][i] = "a diagram" // its labels are translated
	}
	page = diagram.ReplaceAllString(page, "")
	var prose []string
	for line := range strings.Lines(page) {
		switch {
		case strings.HasPrefix(line, "    "):
			found["code"] = append(found["code"], strings.TrimSpace(line))
			continue
		case strings.HasPrefix(line, "|"):
			found["tables"] = append(found["tables"], strings.Repeat("|", strings.Count(line, "|")))
		}
		prose = append(prose, line)
	}
	text := strings.Join(prose, "")
	for _, match := range level.FindAllStringSubmatch(text, -1) {
		found["headings"] = append(found["headings"], match[1])
	}
	for _, span := range codeSpan.FindAllString(text, -1) {
		found["words in code"] = append(found["words in code"], strings.Join(strings.Fields(span), " "))
	}
	for _, match := range link.FindAllStringSubmatch(text, -1) {
		target, _, _ := strings.Cut(match[1], "#")
		found["links"] = append(found["links"], strings.Replace(filepath.Base(target), ".zh-CN", "", 1))
	}
	return found
}

// difference returns what a list has more often than another.
func difference(list, other []string) []string {
	rest := slices.Clone(other)
	var more []string
	for _, item := range list {
		if i := slices.Index(rest, item); i >= 0 {
			rest = slices.Delete(rest, i, i+1)
		} else {
			more = append(more, item)
		}
	}
	return more
}
