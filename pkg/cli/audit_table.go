package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

var (
	auditColumns = []string{"NAMESPACE", "SOURCE", "NEWEST BACKUP", "BACKUPS", "STALE", "THIRD-PARTY", "UNSCOPED", "NODE-BOUND", "VERDICT"}
	wideColumns  = []string{"WORST BACKUP", "CODES", "WHY"}
	// countedClasses are those of the columns.
	countedClasses = []rewrite.Class{rewrite.SourceIdentity, rewrite.ThirdParty, rewrite.Unscoped, rewrite.NodeBound}
)

// writeTable writes one row for each source that needs attention, or for all, and a summary to standard error.
func (o *auditOptions) writeTable(out io.Writer, a *audited) {
	wide := o.output == "wide"
	columns := auditColumns
	if wide {
		columns = slices.Concat(auditColumns, wideColumns)
	}
	lines, colours := [][]string{columns}, []string{""}
	for _, s := range a.sources {
		if wide || s.Verdict.Outcome.NeedsAttention() {
			lines = append(lines, a.cells(s, wide))
			colours = append(colours, outcomeColour(s.Verdict.Outcome))
		}
	}
	if len(lines) > 1 {
		o.writeLines(out, lines, colours)
	}
	switch {
	case len(a.sources) == 0:
		fmt.Fprint(o.ErrOut, textNothingFound)
		return
	case len(lines) <= len(a.sources):
		a.hints = append(a.hints, textHidden)
	}
	fmt.Fprint(o.ErrOut, summaryOf(a.sources, a.Outcomes[audit.Unreadable]))
}

func (o *auditOptions) writeLines(out io.Writer, lines [][]string, colours []string) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		fmt.Fprintln(w, strings.Join(line, "\t"))
	}
	w.Flush()
	for i, line := range strings.SplitAfter(strings.TrimSuffix(text.String(), "\n"), "\n") {
		colour := colours[i]
		if !isTerminal(o.Out) {
			colour = ""
		}
		_, _ = io.WriteString(out, colourLine(strings.TrimRight(line, " \n")+"\n", colour))
	}
}

func (a *audited) cells(s *audit.Source, wide bool) []string {
	newest := s.Newest.Name
	if !s.Newest.Created.IsZero() {
		newest += " (" + duration.ShortHumanDuration(a.at.Sub(s.Newest.Created.Time)) + ")"
	}
	cells := []string{orDash(s.Namespace), placement.Printable(s.Name), placement.Printable(newest), strconv.Itoa(s.Backups)}
	for _, class := range countedClasses {
		cells = append(cells, strconv.Itoa(s.Verdict.Counts[class]))
	}
	cells = append(cells, verdictOf(s, a.live))
	if !wide {
		return cells
	}
	why := ""
	if len(s.Verdict.Findings) > 0 {
		why = messageOf(&s.Verdict.Findings[0], s.Name)
	}
	return append(cells, placement.Printable(s.Worst.Name), orDash(strings.Join(codesOf(s.Verdict), ",")), orDash(placement.Printable(why)))
}

// codesOf lists the codes of a Verdict, each once, the worst first.
func codesOf(v *audit.Verdict) []string {
	var list []string
	for i := range v.Findings {
		if code := codes[v.Findings[i].Class]; !slices.Contains(list, code) {
			list = append(list, code)
		}
	}
	return list
}

func outcomeColour(outcome audit.Outcome) string {
	switch {
	case outcome.Worse(audit.LosesSpread):
		return red
	case outcome.NeedsAttention():
		return yellow
	}
	return ""
}
