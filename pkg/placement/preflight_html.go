package placement

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

//go:embed preflight.html
var preflightPage string

// maxGrid is how many nodes without Pods of the restore are drawn, and how many Pods of others on a node.
const (
	maxGrid     = 60
	maxPodBoxes = 24
)

// preflightData is the data of the HTML page.
type preflightData struct {
	*PreflightReport
	Grids  []grid
	Hidden int
	Rules  []preflightRule
}

// grid shows the nodes, before the restore or after it.
type grid struct {
	Title string
	Nodes []gridNode
	// Waiting are the Pods that fit on no node.
	Waiting []string
}

type gridNode struct {
	Name, Kind string
	// Running says how many Pods run there, and Boxes are as many of them as are drawn.
	Running string
	Boxes   []string
	// New are the Pods of the restore.
	New []string
}

// preflightRule is a rule with its edits.
type preflightRule struct {
	Text  string
	Edits []pageEdit
}

// HTML writes the report as a page of its own, without scripts or anything from elsewhere.
func (r *PreflightReport) HTML(w io.Writer) error {
	parsed, err := template.New("preflight").Parse(preflightPage)
	if err != nil {
		return err
	}
	p := preflightData{PreflightReport: r}
	p.Grids = append(p.Grids, r.grid(gridBefore, nil))
	if r.Alone != nil && r.Alone != r.Rehomed {
		p.Grids = append(p.Grids, r.grid(gridAlone, r.Alone))
	}
	if r.Rehomed != nil {
		p.Grids = append(p.Grids, r.grid(gridRehomed, r.Rehomed))
	}
	p.Hidden = max(0, len(r.world.Nodes)-len(p.Grids[0].Nodes))
	for _, f := range r.Rules {
		p.Rules = append(p.Rules, preflightRule{Text: f.Message, Edits: pageEdits(editsOf(r.Edits, f.Path))})
	}
	return parsed.Execute(w, p)
}

// grid returns the nodes with the Pods of an outcome.
func (r *PreflightReport) grid(title string, o *Outcome) grid {
	g := grid{Title: title}
	fresh := map[string][]string{}
	if o != nil {
		g.Waiting = o.Waiting
		for pod, node := range o.Nodes {
			fresh[node] = append(fresh[node], pod)
		}
	}
	pods := map[string][]string{}
	for i := range r.world.Pods {
		pod := &r.world.Pods[i]
		pods[pod.NodeName()] = append(pods[pod.NodeName()], pod.Namespace()+"/"+pod.Name())
	}
	for _, node := range r.gridNodes() {
		slices.Sort(fresh[node.Name])
		others := pods[node.Name]
		slices.Sort(others)
		g.Nodes = append(g.Nodes, gridNode{
			Name: node.Name, Kind: describeKind(node), Running: fmt.Sprintf(gridRunning, count(len(others), "Pod")),
			Boxes: others[:min(len(others), maxPodBoxes)], New: fresh[node.Name],
		})
	}
	return g
}

// gridNodes lists the nodes to draw: those that get Pods, and as many others as fit on the page.
func (r *PreflightReport) gridNodes() []*corev1.Node {
	used := map[string]bool{}
	for _, o := range []*Outcome{r.Alone, r.Rehomed} {
		if o != nil {
			for _, node := range o.Nodes {
				used[node] = true
			}
		}
	}
	var nodes []*corev1.Node
	others := 0
	for i := range r.world.Nodes {
		node := &r.world.Nodes[i]
		if !used[node.Name] {
			if others++; others > maxGrid {
				continue
			}
		}
		nodes = append(nodes, node)
	}
	return nodes
}
