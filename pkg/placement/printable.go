package placement

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Printable replaces characters that would move the cursor of a terminal. A tenant can write any into a snapshot or a Pod.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}

// writeLinef writes one line, whatever the values hold.
func writeLinef(w io.Writer, format string, values ...any) {
	fmt.Fprintln(w, Printable(strings.TrimSuffix(fmt.Sprintf(format, values...), "\n")))
}

// writeRow writes one row of a table.
func writeRow(w io.Writer, cells ...string) {
	for i := range cells {
		cells[i] = Printable(cells[i])
	}
	fmt.Fprintln(w, strings.Join(cells, "\t"))
}
