package conformance

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// scenario is an inherited policy, and the nodes and Pods to check it with.
type scenario struct {
	restore
	policy policy
	nodes  []*corev1.Node
	// incoming is the Pod to schedule, cluster the other Pods of its cluster. They belong to the source or to the target.
	incoming member
	cluster  []member
	// strangers belong neither to the source nor to the target.
	strangers []*corev1.Pod
	// neighbours are Pods beside the target. They belong to the source or to the unnamed cluster. They have no policy: a rewrite of the
	// target does not change what another cluster's rules say about it.
	neighbours []member
}

// GoString keeps rapid's log short: a failing scenario is logged as YAML.
func (s scenario) GoString() string { return "scenario (see below)" }

// side is one half of a comparison.
type side struct {
	title string
	// others are the scheduled Pods, without the strangers.
	others []*corev1.Pod
	// pod is the Pod to schedule.
	pod     *corev1.Pod
	results []nodeResult
}

// sideOf returns the side on which the incoming Pod and its cluster belong to the given cluster.
func (s *scenario) sideOf(cluster rewrite.Identity, p policy, title string) side {
	others := make([]*corev1.Pod, 0, len(s.cluster))
	for _, m := range s.cluster {
		others = append(others, m.pod(cluster, p))
	}
	return side{title: title, others: others, pod: s.incoming.pod(cluster, p)}
}

// targetBeside returns the side of the target, with neighbours that belong to the given cluster.
func (s *scenario) targetBeside(other rewrite.Identity, p policy, title string) side {
	target := s.sideOf(s.target, p, title)
	for _, m := range s.neighbours {
		target.others = append(target.others, m.pod(other, policy{}))
	}
	return target
}

// evaluate admits all Pods of a side, and fills in the scheduler's results.
func (s *scenario) evaluate(kube *scheduler, side *side) error {
	pods, err := admit(slices.Concat([]*corev1.Pod{side.pod}, side.others, s.strangers))
	if err != nil {
		return err
	}
	side.results, err = kube.evaluate(s.nodes, pods[1:], pods[0])
	return err
}

// newNode returns a node. An empty zone leaves the zone label out.
func newNode(i int, zone string) *corev1.Node {
	name := nodeName(i)
	labels := map[string]string{corev1.LabelHostname: name}
	if zone != "" {
		labels[corev1.LabelTopologyZone] = zone
	}
	return &corev1.Node{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Node"}, ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

func nodeName(i int) string { return fmt.Sprintf("node%d", i) }
