package pictures

import "fmt"

// The sizes of the terminal, in characters and pixels.
const (
	columns    = 120
	charWidth  = 7.25
	lineHeight = 17
	padding    = 14
)

// fastest is the shortest time between two moments of the cast, and slowest the longest: a reader waits for no build.
const (
	fastest = 60   // milliseconds
	slowest = 1500 // milliseconds
)

// cast is the data of demo.svg.tmpl.
type cast struct {
	Title         string
	Width, Height int
	Lines         []castLine
}

// castLine appears after a delay.
type castLine struct {
	Text  string
	Class string
	Y     int
	Delay string // in seconds
}

func (r Recording) cast() cast {
	c := cast{Title: fmt.Sprintf("make demo, with KubeBlocks %s", r.KubeBlocks), Width: int(columns*charWidth) + 2*padding}
	delay, last := int64(0), int64(0)
	for _, line := range r.Lines {
		delay += min(max(line.Milliseconds-last, fastest), slowest)
		last = line.Milliseconds
		for _, part := range wrap(line.Text) {
			y := padding + (len(c.Lines)+1)*lineHeight
			c.Lines = append(c.Lines, castLine{part, classOf(part), y, fmt.Sprintf("%.2f", float64(delay)/1000)})
		}
	}
	c.Height = padding*2 + (len(c.Lines)+1)*lineHeight
	return c
}

// wrap cuts a line into lines that the terminal has room for.
func wrap(line string) []string {
	var lines []string
	characters := []rune(line)
	for len(characters) > columns {
		lines = append(lines, string(characters[:columns]))
		characters = characters[columns:]
	}
	return append(lines, string(characters))
}

// classOf says how a line is coloured: removed and added lines of a diff.
func classOf(line string) string {
	const indentation = 4
	if len(line) <= indentation {
		return ""
	}
	switch line[indentation] {
	case '-':
		return "removed"
	case '+':
		return "added"
	}
	return ""
}
