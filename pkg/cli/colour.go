package cli

import "strings"

// The sequences that colour a terminal.
const (
	bold, red, green, yellow, cyan = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"
	reset                          = "\x1b[m"
)

// colourLine colours a line up to its end, if colour is not empty.
func colourLine(line, colour string) string {
	text, hasEnd := strings.CutSuffix(line, "\n")
	if colour == "" || text == "" {
		return line
	}
	text = colour + text + reset
	if hasEnd {
		text += "\n"
	}
	return text
}
