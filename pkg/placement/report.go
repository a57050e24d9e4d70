package placement

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Report is what is said of one Cluster, or of one Pod of none.
type Report struct {
	Namespace string `json:"namespace"`
	// Name is that of the Cluster, or of the Pod or Restore that was asked for.
	Name    string   `json:"name"`
	Source  string   `json:"source,omitempty"`
	Backups []string `json:"backups,omitempty"`
	// State is the reason of the Rehoming's condition Ready.
	State   string    `json:"state,omitempty"`
	Waiting []Waiting `json:"waiting"`
}

// Reports are all Clusters that were asked for.
type Reports struct {
	Items []Report `json:"items"`
	// Unread are the kinds that could not be read, with the reason.
	Unread map[string]string `json:"unread,omitempty"`
	// Nodes is how many nodes there are.
	Nodes int `json:"nodes"`
}

// View says how reports are written.
type View struct {
	Now  metav1.Time
	Code func(rewrite.Class) string
	// AllNodes has a row for each node.
	AllNodes bool
}

// maxRows is how many nodes have a row of their own.
const maxRows = 20

// Text writes reports for a terminal.
func (r *Reports) Text(v View) string {
	var b strings.Builder
	for i := range r.Items {
		for j := range r.Items[i].Waiting {
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			v.waiting(&b, &r.Items[i], &r.Items[i].Waiting[j])
		}
	}
	for _, text := range unreadOf(r.Unread) {
		writeLinef(&b, lineUnread, text)
	}
	return b.String()
}

func (v View) waiting(b *strings.Builder, r *Report, w *Waiting) {
	writeLinef(b, lineHeading, r.Name, v.age(w.Since), w.who(), v.cause(r, w.Cause))
	if w.Scheduler != "" {
		writeLinef(b, lineOtherScheduler, w.Scheduler)
	}
	if len(w.Nodes) > 0 {
		v.table(b, w)
	}
	for _, rule := range w.Rules {
		if text := rule.where(); text != "" {
			writeLinef(b, lineRule, rule.Rule, rule.Origin, text)
		}
	}
	for _, c := range w.Without {
		writeLinef(b, lineWithout, strings.Join(c.Of, textAnd), c.count())
	}
	if w.With != nil {
		writeLinef(b, lineWith, w.With.count())
	}
	if p := w.Placed; p != nil {
		writeLinef(b, linePlaced, p.Found, p.Pods, p.where())
	}
	if said := w.saidLine(); said != "" {
		writeLinef(b, "%s", said)
	}
	writeLinef(b, lineNext, w.Next)
}

func (v View) age(since *metav1.Time) string {
	if since == nil || v.Now.IsZero() {
		return ""
	}
	return " " + duration.HumanDuration(max(0, v.Now.Sub(since.Time).Round(time.Second)))
}

// who counts the Pods.
func (w *Waiting) who() string {
	text, verb := w.Kind+" "+w.Pods[0], "has"
	if len(w.Pods) > 1 {
		text, verb = fmt.Sprintf("%d %ss", len(w.Pods), w.Kind), "have"
	}
	if w.verdicts != nil {
		text += " " + verb + " no node"
	}
	return text
}

// cause names the cause and, for a rule, its code.
func (v View) cause(r *Report, c Cause) string {
	title := causeTitles[c.Kind]
	if c.Class != "" && v.Code != nil {
		code := v.Code(c.Class)
		if c.Kind == CauseStaleRule && r.Source != "" {
			code += ", names " + r.Source
		}
		title += " (" + code + ")"
	}
	return title + ": " + c.Text
}

// table writes a row for each node, or for each group of nodes.
func (v View) table(b *strings.Builder, w *Waiting) {
	rows := w.Nodes
	if len(rows) > maxRows && !v.AllNodes {
		rows = Grouped(rows)
	}
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	writeRow(t, slices.Clone(columns)...)
	last := ""
	for _, row := range rows {
		name, fits := row.Nodes[0], "no"
		if len(row.Nodes) > 1 {
			name = fmt.Sprintf("%d nodes", len(row.Nodes))
		}
		if row.Fits {
			writeRow(t, name, "yes", "-", "-", "-", "-", foundWords[FoundByPlugin])
			continue
		}
		for _, s := range row.Stops {
			rule := s.Rule
			if rule != "" && rule == last {
				rule = "same"
			}
			last = s.Rule
			writeRow(t, name, fits, s.By, orDash(rule), orDash(strings.Join(s.Because, " ")), string(s.Origin), foundWords[s.Found])
			name, fits = "", ""
		}
	}
	t.Flush()
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// where says where a rule stands.
func (r *RuleReport) where() string {
	switch {
	case r.Location.Path == "":
		return ""
	case r.Location.Backup != "":
		return fmt.Sprintf(textInBackup, r.Location.Backup, r.Location.Path)
	}
	return fmt.Sprintf(textInCluster, r.Location.Path)
}

// count says how many nodes fit.
func (c *Comparison) count() string {
	switch {
	case c.Fits == 0:
		return textNoneFits
	case c.Fits == 1:
		return c.Nodes[0] + " fits"
	case c.Fits > len(c.Nodes):
		return fmt.Sprintf(textManyFit, c.Fits, strings.Join(c.Nodes, ", "))
	}
	return strings.Join(c.Nodes, ", ") + " fit"
}

func (p *Placed) where() string {
	text := ""
	if len(p.Nodes) > 0 {
		text = " (" + strings.Join(p.Nodes, ", ") + ")"
	}
	if rest := p.Pods - p.Found; rest > 0 {
		text += fmt.Sprintf(textStillNone, rest)
	}
	return text
}

// saidLine repeats what the Pod's own scheduler says, and whether the plugins say the same.
func (w *Waiting) saidLine() string {
	switch {
	case w.verdicts == nil:
		return ""
	case w.Said == "":
		return lineSaidNothing
	case w.Scheduler != "":
		return fmt.Sprintf(lineSaid, w.Said, textNotAsked)
	case w.withoutVolumes:
		return fmt.Sprintf(lineSaid, w.Said, textNoVolumes)
	case w.Agrees:
		return fmt.Sprintf(lineSaid, w.Said, "agrees")
	case w.Expected == "":
		return fmt.Sprintf(lineSaid, w.Said, textDiffersFits)
	}
	return fmt.Sprintf(lineSaid, w.Said, fmt.Sprintf(textDiffers, w.Expected))
}

// foundWords are short, for a column. What is not a plugin's answer about the whole Pod is marked.
var foundWords = map[Found]string{FoundByPlugin: "plugin", FoundByRuleAlone: "this rule alone", FoundByObjects: "objects"}

var columns = []string{"NODE", "FITS", "STOPPED BY", "RULE", "BECAUSE OF", "ORIGIN", "FOUND BY"}

// causeTitles are how causes are called.
var causeTitles = map[CauseKind]string{
	CauseStaleRule: "STALE RULE",
	CauseRule:      "RULE",
	CauseKeptOut:   "KEPT OUT",
	CauseNodes:     "NODE SELECTION",
	CauseTaints:    "TAINTS",
	CauseResources: "RESOURCES",
	CauseVolumes:   "VOLUMES",
	CausePorts:     "HOST PORTS",
	CauseQuota:     "QUOTA",
	CauseSeveral:   "SEVERAL",
	CauseNoNodes:   "NO NODES",
	CauseUndecided: "NOT DECIDED",
	CauseFits:      "NONE NOW",
	CauseElsewhere: "NOT SCHEDULING",
	CauseUnknown:   "UNKNOWN",
}
