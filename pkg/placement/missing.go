package placement

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// maxKinds is how many kinds of nodes are tried; only the most frequent one if Pods times nodes exceed maxWork.
const (
	maxKinds = 3
	maxWork  = 100_000
)

// Missing is what a restore lacks that does not fit.
type Missing struct {
	// Rule says that the Pods would fit without their own rules. Otherwise there is too little room, or the rules of others refuse them.
	Rule bool `json:"rule"`
	// Causes are the reasons of the scheduler's plugins, the one of the most nodes first.
	Causes []Lack `json:"causes"`
	// More are the numbers of nodes of a kind that would do, the smallest first.
	More []MoreNodes `json:"more,omitempty"`
	// NotTried says that More is not complete: there are too many Pods and nodes.
	NotTried bool `json:"notTried,omitempty"`
}

// Lack is why nodes refuse a Pod that waits.
type Lack struct {
	Pod    string `json:"pod"`
	Plugin string `json:"plugin"`
	Reason string `json:"reason"`
	Nodes  int    `json:"nodes"`
	Of     int    `json:"of"`
}

// MoreNodes is how many more nodes of a kind would do.
type MoreNodes struct {
	Count int    `json:"count"`
	Like  string `json:"like"`
	Kind  string `json:"kind"`
}

// missing says what a play lacks.
func (p *player) missing(ctx context.Context, would *WouldBe, play *Play) (Missing, error) {
	m := Missing{Causes: causesOf(play.Last().Waiting)}
	try := *p
	try.budget = &budget{maxTriedWork}
	if err := try.more(ctx, would, &m); errors.Is(err, errTooMuch) {
		m.NotTried = true
	} else if err != nil {
		return m, err
	}
	slices.SortStableFunc(m.More, func(a, b MoreNodes) int { return a.Count - b.Count })
	return m, nil
}

// more tries the Pods without their rules, and with more nodes.
func (p *player) more(ctx context.Context, would *WouldBe, m *Missing) error {
	without := withoutRules(would)
	free, err := p.play(ctx, &without)
	if err != nil {
		return err
	}
	m.Rule = free.Fits()
	kinds := kindsOf(p.world)
	if len(would.Database)*len(p.world.Nodes) > maxWork {
		kinds = kinds[:min(len(kinds), 1)]
	}
	for _, kind := range kinds {
		count, err := p.copies(ctx, would, kind, len(would.Database))
		if err != nil {
			return err
		}
		if count > 0 {
			m.More = append(m.More, MoreNodes{count, kind.Name, describeKind(kind)})
		}
	}
	return nil
}

// copies returns the smallest number of copies of a node, up to a limit, with which all Pods fit; 0 if none does.
func (p *player) copies(ctx context.Context, would *WouldBe, of *corev1.Node, limit int) (int, error) {
	fits := func(count int) (bool, error) {
		with := *p
		with.world = p.world.withCopies(of, count)
		play, err := with.play(ctx, would)
		return play.Fits(), err
	}
	if ok, err := fits(limit); !ok || err != nil {
		return 0, err
	}
	low, high := 0, limit // low does not do, high does
	for high-low > 1 {
		middle := (low + high) / 2
		ok, err := fits(middle)
		if err != nil {
			return 0, err
		}
		if ok {
			high = middle
		} else {
			low = middle
		}
	}
	return high, nil
}

// withoutRules returns the Pods without rules of their own about nodes and other Pods.
func withoutRules(would *WouldBe) WouldBe {
	without := *would
	strip := func(pods []corev1.Pod) []corev1.Pod {
		stripped := make([]corev1.Pod, 0, len(pods))
		for i := range pods {
			pod := *pods[i].DeepCopy()
			pod.Spec.Affinity, pod.Spec.TopologySpreadConstraints, pod.Spec.NodeSelector, pod.Spec.NodeName = nil, nil, nil, ""
			stripped = append(stripped, pod)
		}
		return stripped
	}
	without.Restore, without.Database = strip(would.Restore), strip(would.Database)
	return without
}

// causesOf counts the reasons of the Pods that wait. Pods with the same reasons count once.
func causesOf(waiting []Unplaced) []Lack {
	var causes []Lack
	seen := map[string]bool{}
	for _, w := range waiting {
		if len(w.Verdicts) == 0 {
			continue
		}
		counts := map[Lack]int{}
		for _, verdict := range w.Verdicts {
			for _, refusal := range verdict.Refusals {
				counts[Lack{Plugin: refusal.Plugin, Reason: strings.Join(refusal.Reasons, ", ")}]++
			}
		}
		own := make([]Lack, 0, len(counts))
		for cause, nodes := range maps.All(counts) {
			own = append(own, Lack{w.Pod.Name, cause.Plugin, cause.Reason, nodes, len(w.Verdicts)})
		}
		slices.SortFunc(own, func(a, b Lack) int {
			return cmp.Or(b.Nodes-a.Nodes, strings.Compare(a.Plugin, b.Plugin), strings.Compare(a.Reason, b.Reason))
		})
		key := ""
		for _, c := range own {
			key += fmt.Sprint(c.Plugin, c.Reason, c.Nodes)
		}
		if !seen[key] {
			causes = append(causes, own...)
		}
		seen[key] = true
	}
	return causes
}

// kindsOf returns a node of each kind that new Pods can run on, the most frequent first. Nodes of a kind differ in their names only.
func kindsOf(w *World) []*corev1.Node {
	type kind struct {
		node  *corev1.Node
		count int
	}
	kinds := map[string]*kind{}
	var order []*kind
	for i := range w.Nodes {
		node := &w.Nodes[i]
		if node.Spec.Unschedulable {
			continue
		}
		key := describeKind(node) + fmt.Sprint(node.Spec.Taints)
		if kinds[key] == nil {
			kinds[key] = &kind{node: node}
			order = append(order, kinds[key])
		}
		kinds[key].count++
	}
	slices.SortStableFunc(order, func(a, b *kind) int { return b.count - a.count })
	nodes := make([]*corev1.Node, 0, maxKinds)
	for _, k := range order[:min(len(order), maxKinds)] {
		nodes = append(nodes, k.node)
	}
	return nodes
}

// describeKind names a kind of node by its room and its zone.
func describeKind(node *corev1.Node) string {
	text := fmt.Sprintf("%s cpu, %s memory", node.Status.Allocatable.Cpu(), node.Status.Allocatable.Memory())
	if zone := node.Labels[corev1.LabelTopologyZone]; zone != "" {
		text += ", zone " + zone
	}
	return text
}
