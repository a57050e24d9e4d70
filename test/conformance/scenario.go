package conformance

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// scenario is one policy that a target inherits, and one arrangement of Pods in which it is put to the test.
type scenario struct {
	restore
	policy policy
	nodes  []*corev1.Node
	// incoming is the Pod to schedule, and cluster are the other Pods of its cluster: the source, or the target in its place.
	incoming member
	cluster  []member
	// strangers are neither the source's nor the target's.
	strangers []*corev1.Pod
	// bystanders are Pods beside the target, of the source or, in its place, of the cluster named nowhere. They have no
	// policy: what it asks of the target is not for a rewrite of the target's to change.
	bystanders []member
}

// GoString is what rapid logs of a scenario. A failing one is logged as YAML, which is easier to read.
func (s scenario) GoString() string { return "scenario (see below)" }

// side is one half of a comparison: a question put to the scheduler, and the answer.
type side struct {
	title string
	// others are the Pods in place beside the strangers.
	others   []*corev1.Pod
	pod      *corev1.Pod
	opinions []opinion
}

// of returns the side on which the incoming Pod and its cluster are those of one cluster, and have one policy.
func (s *scenario) of(cluster rewrite.Identity, p policy, title string) side {
	others := make([]*corev1.Pod, 0, len(s.cluster))
	for _, m := range s.cluster {
		others = append(others, m.pod(cluster, p))
	}
	return side{title: title, others: others, pod: s.incoming.pod(cluster, p)}
}

// beside returns the side on which the target is beside Pods of another cluster.
func (s *scenario) beside(other rewrite.Identity, p policy, title string) side {
	target := s.of(s.target, p, title)
	for _, m := range s.bystanders {
		target.others = append(target.others, m.pod(other, policy{}))
	}
	return target
}

// ask has the API server admit all Pods of a side, and the scheduler judge every node for the one that has none.
func (s *scenario) ask(kube *scheduler, half *side) error {
	pods, err := admit(slices.Concat([]*corev1.Pod{half.pod}, half.others, s.strangers))
	if err != nil {
		return err
	}
	half.opinions, err = kube.judge(s.nodes, pods[1:], pods[0])
	return err
}

// newNode returns a node in a zone or, where that is empty, in none.
func newNode(i int, zone string) *corev1.Node {
	name := nodeName(i)
	labels := map[string]string{corev1.LabelHostname: name}
	if zone != "" {
		labels[corev1.LabelTopologyZone] = zone
	}
	return &corev1.Node{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Node"}, ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

func nodeName(i int) string { return fmt.Sprintf("node%d", i) }
