package placement

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// printable replaces what would move the cursor of a terminal. What a tenant writes into a snapshot or a Pod can be anything.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}

// writeLinef writes one line, whatever the values hold.
func writeLinef(w io.Writer, format string, values ...any) {
	fmt.Fprintln(w, printable(strings.TrimSuffix(fmt.Sprintf(format, values...), "\n")))
}

// writeRow writes one row of a table.
func writeRow(w io.Writer, cells ...string) {
	for i := range cells {
		cells[i] = printable(cells[i])
	}
	fmt.Fprintln(w, strings.Join(cells, "\t"))
}
