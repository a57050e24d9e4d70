package apiserver

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"time"
)

// tailLines is the number of lines of output that an error quotes.
const tailLines = 10

// output receives a program's output, and records when lines with certain texts are written.
type output struct {
	mu      sync.Mutex
	partial []byte
	marks   map[string]*mark
	lines   []string // The last tailLines.
	written int      // All lines.
}

// mark records the lines with one text.
type mark struct {
	count       int
	first, last time.Time
}

func newOutput(texts []string) *output {
	o := &output{marks: map[string]*mark{}}
	for _, text := range texts {
		o.marks[text] = &mark{}
	}
	return o
}

// Write implements io.Writer. It never fails.
func (o *output) Write(data []byte) (int, error) {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.partial = append(o.partial, data...)
	for {
		line, after, found := bytes.Cut(o.partial, []byte("\n"))
		if !found {
			return len(data), nil
		}
		o.add(string(line), now)
		o.partial = after
	}
}

func (o *output) add(line string, now time.Time) {
	o.written++
	if o.lines = append(o.lines, line); len(o.lines) > tailLines {
		o.lines = slices.Delete(o.lines, 0, 1)
	}
	for text, m := range o.marks {
		if !strings.Contains(line, text) {
			continue
		}
		if m.count == 0 {
			m.first = now
		}
		m.count, m.last = m.count+1, now
	}
}

func (o *output) count(text string) int       { return o.mark(text).count }
func (o *output) first(text string) time.Time { return o.mark(text).first }
func (o *output) last(text string) time.Time  { return o.mark(text).last }

func (o *output) mark(text string) mark {
	o.mu.Lock()
	defer o.mu.Unlock()
	return *o.marks[text]
}

func (o *output) total() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.written
}

func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(append(slices.Clone(o.lines), string(o.partial)), "\n")
}
