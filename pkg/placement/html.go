package placement

import (
	"bytes"
	_ "embed" // The page is a template.
	"fmt"
	"html/template"
	"slices"
	"strings"
)

//go:embed explain.html
var explainPage string

var explainTemplate = template.Must(template.New("explain").Parse(explainPage))

// page is what the template shows. It has names, rules and counts, and no object.
type page struct {
	Title, Totals string
	Unread        []string
	Groups        []pageGroup
}

type pageGroup struct {
	Heading, Cause, Scheduler, Said, Next string
	Before, After                         []pageNode
	Rules                                 []pageRule
	Lines                                 []string
}

type pageNode struct {
	Name        string
	Fits        bool
	Stops, Pods []string
}

type pageRule struct {
	Rule, Code, Where string
	Origin            Origin
	Refuses           int
	Edits             []pageEdit
}

// maxBoxes is how many nodes have a box of their own.
const maxBoxes = 120

// HTML writes reports as one page without anything from elsewhere.
func (r *Reports) HTML(v View) ([]byte, error) {
	p := page{Title: titleNothing}
	pods := 0
	for i := range r.Items {
		for j := range r.Items[i].Waiting {
			w := &r.Items[i].Waiting[j]
			pods += len(w.Pods)
			p.Groups = append(p.Groups, v.group(&r.Items[i], w))
		}
	}
	if pods > 0 {
		p.Title = fmt.Sprintf(titleWaits, pods)
	}
	if len(r.Items) == 1 {
		p.Title = r.Items[0].Name + ": " + p.Title
	}
	p.Totals = fmt.Sprintf(textTotals, pods, len(r.Items), r.Nodes)
	for _, text := range unreadOf(r.Unread) {
		p.Unread = append(p.Unread, strings.TrimSpace(fmt.Sprintf(lineUnread, text)))
	}
	var out bytes.Buffer
	err := explainTemplate.Execute(&out, p)
	return out.Bytes(), err
}

func (v View) group(r *Report, w *Waiting) pageGroup {
	g := pageGroup{
		Heading: fmt.Sprintf(titleGroup, r.Name, w.who(), v.age(w.Since)), Cause: v.cause(r, w.Cause),
		Said: strings.TrimSpace(w.saidLine()), Next: w.Next,
	}
	if w.Scheduler != "" {
		g.Scheduler = strings.TrimSpace(fmt.Sprintf(lineOtherScheduler, w.Scheduler))
	}
	for _, row := range v.boxes(w.Nodes) {
		g.Before = append(g.Before, boxOf(row))
		if w.With != nil {
			g.After = append(g.After, w.afterOf(row))
		}
	}
	for _, rule := range w.Rules {
		one := pageRule{Rule: rule.Rule, Where: rule.where(), Origin: rule.Origin, Refuses: rule.Refuses, Edits: pageEdits(rule.Edits)}
		if v.Code != nil && rule.Class != "" {
			one.Code = v.Code(rule.Class)
		}
		g.Rules = append(g.Rules, one)
	}
	for _, c := range w.Without {
		g.Lines = append(g.Lines, strings.TrimSpace(fmt.Sprintf(lineWithout, strings.Join(c.Of, textAnd), c.count())))
	}
	if w.With != nil {
		g.Lines = append(g.Lines, strings.TrimSpace(fmt.Sprintf(lineWith, w.With.count())))
	}
	if p := w.Placed; p != nil {
		g.Lines = append(g.Lines, strings.TrimSpace(fmt.Sprintf(linePlaced, p.Found, p.Pods, p.where())))
	}
	return g
}

// boxes groups rows where there are too many nodes.
func (v View) boxes(rows []NodeRow) []NodeRow {
	if len(rows) <= maxBoxes || v.AllNodes {
		return rows
	}
	return Grouped(rows)
}

func boxOf(row NodeRow) pageNode {
	n := pageNode{Name: row.Nodes[0], Fits: row.Fits}
	if len(row.Nodes) > 1 {
		n.Name = fmt.Sprintf(textNodes, len(row.Nodes), row.Nodes[0])
	}
	for _, s := range row.Stops {
		text := s.By
		if s.Found != FoundByPlugin {
			text = fmt.Sprintf(textFoundBy, s.By, foundWords[s.Found])
		}
		n.Stops = append(n.Stops, text)
		for _, pod := range s.Because {
			if !slices.Contains(n.Pods, pod) {
				n.Pods = append(n.Pods, pod)
			}
		}
	}
	return n
}

// afterOf is the box of nodes with the rewrite. Which rules would still refuse is not said.
func (w *Waiting) afterOf(row NodeRow) pageNode {
	before := boxOf(row)
	fits := 0
	for _, node := range row.Nodes {
		if slices.Contains(w.With.all, node) {
			fits++
		}
	}
	after := pageNode{Name: before.Name, Fits: fits > 0, Pods: before.Pods}
	switch {
	case fits == 0:
		after.Stops = []string{textStillRefused}
	case len(row.Nodes) > 1:
		after.Stops = []string{fmt.Sprintf(textOfThemFit, fits)}
	default:
		after.Stops = []string{"fits"}
	}
	return after
}
