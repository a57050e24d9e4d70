package placement

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// maxAdded is how many nodes can be added at once.
const maxAdded = 1000

// NodeSpec describes nodes that do not exist yet.
type NodeSpec struct {
	Count       int
	Allocatable corev1.ResourceList
	// Zone is empty for none.
	Zone string
}

// ParseNodeSpec parses "2,cpu=8,memory=32Gi,zone=b". CPU and memory have to be given; pods is 110 by default.
func ParseNodeSpec(text string) (NodeSpec, error) {
	fields := strings.Split(text, ",")
	spec := NodeSpec{Allocatable: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("110")}}
	var err error
	if spec.Count, err = strconv.Atoi(fields[0]); err != nil || spec.Count < 1 || spec.Count > maxAdded {
		return spec, fmt.Errorf(problemNodeCount, fields[0], maxAdded)
	}
	for _, field := range fields[1:] {
		key, value, _ := strings.Cut(field, "=")
		switch key {
		case "zone":
			spec.Zone = value
		case "cpu", "memory", "pods", "ephemeral-storage":
			quantity, err := resource.ParseQuantity(value)
			if err != nil || quantity.Sign() < 0 {
				return spec, fmt.Errorf(problemNodeQuantity, key, value)
			}
			spec.Allocatable[corev1.ResourceName(key)] = quantity
		default:
			return spec, fmt.Errorf(problemNodeField, field)
		}
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if _, ok := spec.Allocatable[name]; !ok {
			return spec, fmt.Errorf(problemNodeMissing, name)
		}
	}
	return spec, nil
}

// WithNodes returns a World that has these nodes, too. A node of the same name is replaced, and keeps its Pods.
func (w *World) WithNodes(nodes []corev1.Node) *World {
	next := *w
	next.Nodes = slices.Clone(w.Nodes)
	index := map[string]int{}
	for i := range next.Nodes {
		index[next.Nodes[i].Name] = i
	}
	for i := range nodes {
		if at, ok := index[nodes[i].Name]; ok {
			next.Nodes[at] = nodes[i]
		} else {
			index[nodes[i].Name] = len(next.Nodes)
			next.Nodes = append(next.Nodes, nodes[i])
		}
	}
	return &next
}

// WithNewNodes returns a World with the nodes of a spec. They have the storage drivers of a node of their zone, or else of any.
func (w *World) WithNewNodes(spec NodeSpec) *World {
	like := w.nodeLike(spec.Zone)
	next := *w
	next.Nodes, next.CSINodes = slices.Clone(w.Nodes), slices.Clone(w.CSINodes)
	for n := range spec.Count {
		node := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: next.freeName(n)}}
		node.Labels = map[string]string{
			corev1.LabelHostname: node.Name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
		}
		if spec.Zone != "" {
			node.Labels[corev1.LabelTopologyZone] = spec.Zone
		}
		node.Status.Allocatable = spec.Allocatable
		node.Status.Capacity = spec.Allocatable
		next.addNode(node, like)
	}
	return &next
}

// nodeLike returns a node of a zone, or any where there is none; nil without nodes.
func (w *World) nodeLike(zone string) *corev1.Node {
	for i := range w.Nodes {
		if w.Nodes[i].Labels[corev1.LabelTopologyZone] == zone {
			return &w.Nodes[i]
		}
	}
	if len(w.Nodes) == 0 {
		return nil
	}
	return &w.Nodes[0]
}

// freeName returns a name for an added node that no node has.
func (w *World) freeName(n int) string {
	for ; ; n++ {
		name := fmt.Sprintf("added-%d", n+1)
		if !slices.ContainsFunc(w.Nodes, func(node corev1.Node) bool { return node.Name == name }) {
			return name
		}
	}
}

// addNode adds a node with the storage drivers of another, and with its own place where their labels hold one.
func (w *World) addNode(node corev1.Node, like *corev1.Node) {
	if like != nil {
		if i := slices.IndexFunc(w.CSINodes, func(n storagev1.CSINode) bool { return n.Name == like.Name }); i >= 0 {
			csi := storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: node.Name}, Spec: *w.CSINodes[i].Spec.DeepCopy()}
			for d := range csi.Spec.Drivers {
				csi.Spec.Drivers[d].NodeID = node.Name
				for _, key := range csi.Spec.Drivers[d].TopologyKeys {
					setPlace(&node, key, like)
				}
			}
			w.CSINodes = append(w.CSINodes, csi)
		}
	}
	w.Nodes = append(w.Nodes, node)
}

// setPlace gives a node a label of a storage driver: its own name or zone where another node has its own there, else the same value.
func setPlace(node *corev1.Node, key string, like *corev1.Node) {
	if _, ok := node.Labels[key]; ok {
		return
	}
	value, ok := like.Labels[key]
	zone := like.Labels[corev1.LabelTopologyZone]
	switch {
	case !ok:
		return
	case value == like.Name || value == like.Labels[corev1.LabelHostname]:
		value = node.Name
	case value == zone:
		value = node.Labels[corev1.LabelTopologyZone]
	}
	node.Labels[key] = value
}

// withCopies returns a World with empty copies of a node.
func (w *World) withCopies(of *corev1.Node, count int) *World {
	next := *w
	next.Nodes, next.CSINodes = slices.Clone(w.Nodes), slices.Clone(w.CSINodes)
	for n := range count {
		node := *of.DeepCopy()
		node.Name = next.freeName(n)
		node.UID = ""
		node.Labels = maps.Clone(of.Labels)
		for key, value := range node.Labels {
			if value == of.Name || value == of.Labels[corev1.LabelHostname] {
				node.Labels[key] = node.Name
			}
		}
		next.addNode(node, of)
	}
	return &next
}
