package cli

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

//go:embed audit.html.tmpl
var auditPage string

// auditScript sorts the table. It is the only script that the page's policy allows.
//
//go:embed audit.js
var auditScript string

//go:embed audit.css
var auditStyle string

var auditTemplate = template.Must(template.New("audit").Parse(auditPage))

// auditHTML is what the page shows.
type auditHTML struct {
	Time, KubeBlocks string
	Nodes            int
	Compared         bool
	Backups          int
	Totals           []htmlTotal
	Namespaces       []*htmlNamespace
	Rows             []htmlRow
	Hints            []string
	NewName          string
	Style            template.CSS
	Script           template.JS
	// StyleHash and ScriptHash are those of the page's policy: nothing else is applied or run.
	StyleHash, ScriptHash string
}

// htmlTotal is the number of sources of one outcome.
type htmlTotal struct {
	Title, Mark string
	Count       int
}

// htmlNamespace is a tile.
type htmlNamespace struct {
	Name, Mark       string
	Sources, Backups int
	Totals           []htmlTotal
	outcomes         map[audit.Outcome]int
}

type htmlRow struct {
	Rank                             int
	Mark, Namespace, Source, Verdict string
	Newest, Created, Worst           string
	Backups, Rules, Omitted          int
	Codes                            []string
	Findings                         []htmlFinding
}

type htmlFinding struct {
	Code, Anchor, Class, Message, Path string
	Edits                              []htmlEdit
}

type htmlEdit struct{ Path, From, To string }

func (a *audited) writeHTML(out io.Writer) error {
	page := auditHTML{
		Time: a.at.UTC().Format(time.RFC1123), KubeBlocks: orDash(string(a.facts.Version)), Nodes: len(a.facts.Nodes),
		Compared: a.facts.Nodes != nil, Backups: a.Backups, Hints: a.hints, NewName: audit.NewName,
		Style: template.CSS(auditStyle), Script: template.JS(auditScript), StyleHash: hashOf(auditStyle), ScriptHash: hashOf(auditScript),
	}
	counts := map[audit.Outcome]int{}
	tiles := map[string]*htmlNamespace{}
	for _, s := range a.sources {
		counts[s.Verdict.Outcome]++
		tile := tiles[s.Namespace]
		if tile == nil {
			tile = &htmlNamespace{Name: orDash(s.Namespace), Mark: markOf(s.Verdict.Outcome), outcomes: map[audit.Outcome]int{}}
			tiles[s.Namespace], page.Namespaces = tile, append(page.Namespaces, tile) // the worst source comes first
		}
		tile.Sources++
		tile.Backups += s.Backups
		tile.outcomes[s.Verdict.Outcome]++
		page.Rows = append(page.Rows, a.htmlRow(s))
	}
	page.Totals = totalsOf(counts)
	for _, tile := range page.Namespaces {
		tile.Totals = totalsOf(tile.outcomes)
	}
	return auditTemplate.Execute(out, page)
}

// hashOf is the hash of an element's text in a content security policy.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func totalsOf(counts map[audit.Outcome]int) []htmlTotal {
	var totals []htmlTotal
	for _, outcome := range audit.Outcomes() {
		switch count := counts[outcome]; {
		case outcome == audit.Noted: // counts as fine
		case outcome == audit.Fine && count+counts[audit.Noted] > 0:
			totals = append(totals, htmlTotal{outcomeTitles[outcome], markOf(outcome), count + counts[audit.Noted]})
		case count > 0:
			totals = append(totals, htmlTotal{outcomeTitles[outcome], markOf(outcome), count})
		}
	}
	return totals
}

// markOf is the class of elements that stand for an outcome.
func markOf(outcome audit.Outcome) string {
	switch {
	case outcome.Worse(audit.LosesSpread):
		return "bad"
	case outcome.NeedsAttention():
		return "warn"
	}
	return "good"
}

func (a *audited) htmlRow(s *audit.Source) htmlRow {
	row := htmlRow{
		Rank: slices.Index(audit.Outcomes(), s.Verdict.Outcome), Mark: markOf(s.Verdict.Outcome), Namespace: orDash(s.Namespace), Source: s.Name,
		Verdict: verdictOf(s, a.live), Newest: s.Newest.Name, Worst: s.Worst.Name, Backups: s.Backups,
		Omitted: s.Verdict.Omitted, Codes: codesOf(s.Verdict),
	}
	if !s.Newest.Created.IsZero() {
		row.Created = s.Newest.Created.UTC().Format("2006-01-02 15:04")
	}
	for count := range maps.Values(s.Verdict.Counts) {
		row.Rules += count
	}
	for i := range s.Verdict.Findings {
		row.Findings = append(row.Findings, htmlFindingOf(&s.Verdict.Findings[i], s.Name))
	}
	return row
}

func htmlFindingOf(f *audit.Finding, source string) htmlFinding {
	finding := htmlFinding{Code: codes[f.Class], Class: string(f.Class), Message: messageOf(f, source), Path: f.Path}
	finding.Anchor = anchorOf(finding.Code, f.Class)
	for _, e := range f.Edits {
		from, to := e.Texts()
		finding.Edits = append(finding.Edits, htmlEdit{e.Path, from, to})
	}
	return finding
}

// anchorOf is the section of docs/codes.md.
func anchorOf(code string, class rewrite.Class) string {
	return "https://github.com/rehome-operator/rehome/blob/main/docs/codes.md#" + strings.ToLower(code+"-"+string(class))
}
