package pictures

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Recording is what a demo did.
type Recording struct {
	KubeBlocks string `json:"kubeBlocks"`
	// Source and Target are the names of the clusters.
	Source string   `json:"source"`
	Target string   `json:"target"`
	Nodes  []string `json:"nodes"`
	// Before is the stuck restore, and After the state in which Rehome left it.
	Before []Pod `json:"before"`
	After  []Pod `json:"after"`
	// Lines are what the demo printed.
	Lines []Line `json:"lines"`
}

// Pod is a Pod of either cluster.
type Pod struct {
	Cluster string `json:"cluster"`
	Name    string `json:"name"`
	// Node is empty while the Pod has none.
	Node string `json:"node,omitempty"`
	// Scheduler is what the scheduler says of a Pod without a node.
	Scheduler string `json:"scheduler,omitempty"`
}

// Line is a printed line.
type Line struct {
	Text string `json:"text"`
	// Milliseconds is the time since the first line.
	Milliseconds int64 `json:"milliseconds"`
}

// Pods returns Pods of a cluster for a Recording, sorted by name.
func Pods(cluster string, pods []corev1.Pod) []Pod {
	recorded := make([]Pod, 0, len(pods))
	for i := range pods {
		p := Pod{Cluster: cluster, Name: pods[i].Name, Node: pods[i].Spec.NodeName}
		for _, condition := range pods[i].Status.Conditions {
			if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
				p.Scheduler = condition.Message
			}
		}
		recorded = append(recorded, p)
	}
	slices.SortFunc(recorded, func(a, b Pod) int { return cmp.Compare(a.Name, b.Name) })
	return recorded
}

// Read reads a Recording.
func Read(file string) (Recording, error) {
	var r Recording
	data, err := os.ReadFile(file)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", file, err)
	}
	return r, nil
}

// Write writes the Recording.
func (r Recording) Write(file string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

// AddLine records a line that is printed now.
func (r *Recording) AddLine(text string, sinceStart time.Duration) {
	r.Lines = append(r.Lines, Line{text, sinceStart.Milliseconds()})
}
