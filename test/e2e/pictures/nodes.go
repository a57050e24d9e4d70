package pictures

import (
	"fmt"
	"slices"
	"strings"
)

// words are the texts of a picture in one language. %s are the target and the version of KubeBlocks.
type words struct{ title, before, after, noNode string }

// languages are the words by file.
func languages() map[string]words {
	return map[string]words{
		"nodes.svg": {
			title:  "Pods by node: %s is restored with KubeBlocks %s",
			before: "Without Rehome: no node accepts the restore Pods",
			after:  "Seconds after Rehome starts: one Pod per node",
			noNode: "no node: Pending",
		},
		"nodes.zh-CN.svg": {
			title:  "各节点上的 Pod：%s 由 KubeBlocks %s 恢复",
			before: "没有 Rehome：没有节点接纳恢复 Pod",
			after:  "Rehome 启动几秒后：每个节点一个 Pod",
			noNode: "没有节点：Pending",
		},
	}
}

// The sizes of the picture in pixels.
const (
	margin     = 16
	titleSize  = 28
	nodeWidth  = 176
	noneWidth  = 280
	gap        = 12
	podHeight  = 26
	podGap     = 6
	nodeHeader = 28
)

// grid is the data of nodes.svg.tmpl.
type grid struct {
	Title         string
	Width, Height int
	Panels        []panel
}

// panel is the nodes at one time.
type panel struct {
	Y       int
	Title   string
	Caption string
	// CaptionY is where the caption stands.
	CaptionY int
	Boxes    []box
}

// box is a node, or the place of the Pods that have none.
type box struct {
	Class               string
	Name                string
	X, Y, Width, Height int
	Pods                []podBox
}

type podBox struct {
	Class, Name string
	X, Y, Width int
}

func (r Recording) grid(w words) grid {
	g := grid{
		Title: fmt.Sprintf(w.title, r.Target, r.KubeBlocks),
		Width: 2*margin + len(r.Nodes)*(nodeWidth+gap) + noneWidth,
	}
	y := margin
	for _, p := range []struct {
		title string
		pods  []Pod
	}{{w.before, r.Before}, {w.after, r.After}} {
		drawn := r.panel(p.title, w.noNode, p.pods, y)
		g.Panels = append(g.Panels, drawn)
		y = drawn.CaptionY + margin
	}
	g.Height = y
	return g
}

func (r Recording) panel(title, noNode string, pods []Pod, y int) panel {
	p := panel{Y: y + titleSize - gap, Title: title}
	columns := append(slices.Clone(r.Nodes), "")
	rows := 0
	for _, node := range columns {
		rows = max(rows, len(on(pods, node)))
	}
	height := nodeHeader + rows*(podHeight+podGap) + podGap
	x := margin
	for _, node := range columns {
		b := box{Class: "node", Name: node, X: x, Y: y + titleSize, Width: nodeWidth, Height: height}
		if node == "" {
			b.Class, b.Name, b.Width = "none", noNode, noneWidth
		}
		b.add(on(pods, node), r.Source)
		x += b.Width + gap
		if node != "" || len(b.Pods) > 0 {
			p.Boxes = append(p.Boxes, b)
		}
	}
	p.CaptionY = y + titleSize + height
	for _, pod := range pods {
		if said, _, _ := strings.Cut(pod.Scheduler, ". "); said != "" {
			p.Caption, p.CaptionY = said, p.CaptionY+titleSize-gap/2
			break
		}
	}
	return p
}

func (b *box) add(pods []Pod, source string) {
	for i, pod := range pods {
		class := "target"
		switch {
		case pod.Cluster == source:
			class = "source"
		case pod.Node == "":
			class = "pending"
		}
		b.Pods = append(b.Pods, podBox{class, pod.Name, b.X + podGap, b.Y + nodeHeader + i*(podHeight+podGap), b.Width - 2*podGap})
	}
}

// on returns the Pods on a node.
func on(pods []Pod, node string) []Pod {
	return slices.DeleteFunc(slices.Clone(pods), func(p Pod) bool { return p.Node != node })
}
