package placement

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxColumn is the width of the texts up to which details stand in a column.
const maxColumn = 72

// Text returns the report in lines. mark marks a line by its level, as with a colour.
func (r *PreflightReport) Text(mark func(level Level, line string) string) string {
	width := 0
	for i := range r.Lines {
		if n := utf8.RuneCountInString(r.Lines[i].Text); r.Lines[i].Detail != "" && n <= maxColumn {
			width = max(width, n)
		}
	}
	var out strings.Builder
	for i := range r.Lines {
		l := &r.Lines[i]
		line := fmt.Sprintf("%-6s%s", l.Level, Printable(l.Text))
		if l.Detail != "" {
			line = fmt.Sprintf("%-6s%-*s  %s", l.Level, width, Printable(l.Text), Printable(l.Detail))
		}
		out.WriteString(mark(l.Level, line+"\n"))
		for _, further := range l.Further {
			writeLinef(&out, "      %s", further)
		}
	}
	writeLinef(&out, "%s", r.Summary)
	return out.String()
}
