package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// auditReport is what `rehome audit -o json` prints. docs/audit.md describes each field.
type auditReport struct {
	// Version is that of this schema. Fields are only added to it.
	Version    int    `json:"version"`
	Time       string `json:"time"`
	KubeBlocks string `json:"kubeblocks,omitempty"`
	// Nodes counts the nodes that Backups were compared with, and is absent where they were not.
	Nodes    *int                  `json:"nodes,omitempty"`
	Backups  int                   `json:"backups"`
	Outcomes map[audit.Outcome]int `json:"outcomes"`
	Sources  []auditSource         `json:"sources"`
	Hints    []string              `json:"hints,omitempty"`
}

type auditSource struct {
	Namespace string                `json:"namespace"`
	Name      string                `json:"name"`
	Outcome   audit.Outcome         `json:"outcome"`
	Verdict   string                `json:"verdict"`
	Backups   int                   `json:"backups"`
	Affected  int                   `json:"affected"`
	Newest    auditBackup           `json:"newest"`
	Worst     auditBackup           `json:"worst"`
	Counts    map[rewrite.Class]int `json:"counts"`
	Findings  []auditFinding        `json:"findings"`
	Omitted   int                   `json:"omitted,omitempty"`
}

type auditBackup struct {
	Name    string       `json:"name"`
	Created *metav1.Time `json:"created,omitempty"`
}

type auditFinding struct {
	Code    string         `json:"code"`
	Class   rewrite.Class  `json:"class"`
	Group   audit.Group    `json:"group"`
	Outcome audit.Outcome  `json:"outcome"`
	Effect  audit.Effect   `json:"effect"`
	Ways    []audit.Way    `json:"ways"`
	Path    string         `json:"path,omitempty"`
	Message string         `json:"message"`
	Edits   []rewrite.Edit `json:"edits,omitempty"`
}

// writeJSON writes the sources one after another: thousands of them, encoded at once, need more memory than to judge them.
func (a *audited) writeJSON(out io.Writer) error {
	text, err := indented(a.report())
	if err != nil {
		return err
	}
	const list, indent = `"sources": [`, "\n    "
	begin, end, _ := bytes.Cut(text, []byte(list)) // a text in JSON has no such quotes
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "%s%s", begin, list)
	for i, s := range a.sources {
		source, err := indented(a.reportSource(s))
		if err != nil {
			return err
		}
		if i > 0 {
			fmt.Fprint(w, ",")
		}
		fmt.Fprintf(w, "%s%s", indent, bytes.ReplaceAll(bytes.TrimSpace(source), []byte("\n"), []byte(indent)))
	}
	if len(a.sources) > 0 {
		fmt.Fprint(w, "\n  ")
	}
	fmt.Fprintf(w, "%s", end)
	return w.Flush()
}

// report returns the report without its sources.
func (a *audited) report() auditReport {
	r := auditReport{
		Version: 1, Time: a.at.UTC().Format(time.RFC3339), KubeBlocks: string(a.facts.Version),
		Backups: a.Backups, Outcomes: map[audit.Outcome]int{}, Sources: []auditSource{},
	}
	for _, outcome := range audit.Outcomes() {
		r.Outcomes[outcome] = a.Outcomes[outcome]
	}
	if a.facts.Nodes != nil {
		count := len(a.facts.Nodes)
		r.Nodes = &count
	}
	for _, hint := range a.hints {
		r.Hints = append(r.Hints, strings.TrimSpace(hint))
	}
	return r
}

func (a *audited) reportSource(s *audit.Source) auditSource {
	source := auditSource{
		Namespace: s.Namespace, Name: s.Name, Outcome: s.Verdict.Outcome, Verdict: verdictOf(s, a.live), Backups: s.Backups, Affected: s.Affected,
		Newest: reportBackup(s.Newest), Worst: reportBackup(s.Worst), Counts: s.Verdict.Counts, Findings: []auditFinding{}, Omitted: s.Verdict.Omitted,
	}
	for i := range s.Verdict.Findings {
		f := &s.Verdict.Findings[i]
		source.Findings = append(source.Findings, auditFinding{
			Code: codes[f.Class], Class: f.Class, Group: f.Group, Outcome: f.Outcome, Effect: f.Effect, Ways: f.Ways, Path: f.Path,
			Message: messageOf(f, s.Name), Edits: f.Edits,
		})
	}
	return source
}

func reportBackup(b audit.BackupRef) auditBackup {
	if b.Created.IsZero() {
		return auditBackup{Name: b.Name}
	}
	return auditBackup{b.Name, &b.Created}
}
