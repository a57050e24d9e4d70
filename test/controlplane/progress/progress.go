// Package progress reports long steps and their times, to a terminal or to a log.
package progress

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// eraseLine returns to the first column and erases what is there.
const eraseLine = "\r\x1b[K"

// Reporter writes lines about steps. Steps must not overlap.
type Reporter struct {
	estimates
	w       io.Writer
	inPlace bool // w is a terminal, so the line of the running step is rewritten
}

// New returns a Reporter that writes to w, usually os.Stderr. On a terminal, the line of the running step shows the elapsed seconds.
// Otherwise, a step has a line when it starts and another when it ends.
func New(w io.Writer) *Reporter {
	f, ok := w.(*os.File)
	return &Reporter{w: w, inPlace: ok && term.IsTerminal(int(f.Fd()))}
}

// Step calls work, reports it as name, and returns its error.
func (r *Reporter) Step(name string, work func() error) error {
	start := time.Now()
	r.printf("%s: started%s%s", name, r.leftAfter(name, 0), r.lineEnd())
	err := r.during(work, func() {
		r.printf("%s%s: %s%s", eraseLine, name, since(start), r.leftAfter(name, time.Since(start)))
	})
	r.done(name)
	outcome := "done in"
	if err != nil {
		outcome = "failed after"
	}
	if r.inPlace {
		r.printf(eraseLine)
	}
	r.printf("%s: %s %s\n", name, outcome, since(start))
	return err
}

// during calls work, and on a terminal calls tick every second meanwhile.
func (r *Reporter) during(work func() error, tick func()) error {
	if !r.inPlace {
		return work()
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	done := make(chan error, 1)
	go func() { done <- work() }()
	for {
		select {
		case err := <-done:
			return err
		case <-ticker.C:
			tick()
		}
	}
}

// printf ignores errors, because a step must not fail if its report cannot be written.
func (r *Reporter) printf(format string, args ...any) { _, _ = fmt.Fprintf(r.w, format, args...) }

// lineEnd is empty if the line will be rewritten.
func (r *Reporter) lineEnd() string {
	if r.inPlace {
		return ""
	}
	return "\n"
}

func since(start time.Time) time.Duration { return time.Since(start).Round(time.Second) }
