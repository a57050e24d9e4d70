package pages

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// ellipsis stands for what a page leaves out.
const ellipsis = "…"

// masks replace what differs from run to run.
var masks = []struct {
	pattern     *regexp.Regexp
	replacement string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d\d:\d\d:\d\d UTC`), "TIME"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UID"},
	{regexp.MustCompile(`\b[0-9a-f]{8}\b`), "HASH"},
	{regexp.MustCompile(`\b(\d+[smhd])+\b( \(x\d+ over (\d+[smhd])+\))?`), "AGE"},
	{regexp.MustCompile(`-{2,}`), "--"}, // as wide as the longest name below
	{regexp.MustCompile(`\s+`), " "},
}

func mask(line string) string {
	for _, m := range masks {
		line = m.pattern.ReplaceAllString(line, m.replacement)
	}
	return strings.TrimSpace(line)
}

// matches reports whether a printed value is the documented one, but for masks and ellipses.
func matches(documented, printed string) bool {
	parts := strings.Split(mask(documented), ellipsis)
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(strings.TrimSpace(part))
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(mask(printed))
}

// Missing returns what a page says that a command prints, and what it does not print. The command may print more.
func Missing(documented, printed string) []string {
	var wanted, got map[string]any
	if yaml.Unmarshal([]byte(documented), &wanted) == nil && yaml.Unmarshal([]byte(printed), &got) == nil && len(got) > 0 {
		return missingField("", wanted, got)
	}
	var missing []string
	lines := strings.Split(printed, "\n")
	for line := range strings.Lines(documented) {
		if !slices.ContainsFunc(lines, func(other string) bool { return matches(line, other) }) {
			missing = append(missing, strings.TrimRight(line, "\n"))
		}
	}
	return missing
}

// missingField compares values of YAML.
func missingField(path string, wanted, got any) []string {
	switch wanted := wanted.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		missing := make([]string, 0, len(wanted))
		for _, name := range slices.Sorted(maps.Keys(wanted)) {
			missing = append(missing, missingField(path+"."+name, wanted[name], object[name])...)
		}
		return missing
	case []any:
		list, _ := got.([]any)
		var missing []string
		for i, value := range wanted {
			if !slices.ContainsFunc(list, func(item any) bool { return len(missingField("", value, item)) == 0 }) {
				missing = append(missing, fmt.Sprintf("%s[%d]: %v", path, i, value))
			}
		}
		return missing
	}
	if matches(fmt.Sprint(wanted), fmt.Sprint(got)) {
		return nil
	}
	return []string{fmt.Sprintf("%s: %v (printed: %v)", path, wanted, got)}
}
