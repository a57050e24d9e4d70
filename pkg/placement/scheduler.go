package placement

import (
	"context"

	corev1 "k8s.io/api/core/v1"
)

// Refusal is the reason of one filter plugin why a Pod cannot run on a node.
type Refusal struct {
	// Plugin is the name of the filter, such as InterPodAffinity.
	Plugin string
	// Reasons are the plugin's own words, as a scheduler writes them into a Pod's condition.
	Reasons []string
	// Unresolvable says that no eviction of other Pods would help.
	Unresolvable bool
	// AllNodes says that the Pod itself is refused, whatever the node: a claim does not exist, or waits to be bound.
	AllNodes bool
}

// Verdict is what all filters say of a Pod on one node. The Pod fits where there are no refusals.
type Verdict struct {
	Node     string
	Refusals []Refusal
}

// Scheduler answers as a kube-scheduler would, without an API server. It is not safe for concurrent use.
type Scheduler interface {
	// Filter returns a verdict for each node of the World, in the order of the World. All plugins are asked, not only the first that
	// refuses; the first refusal of a node is the one that the scheduler reports. A refusal of all nodes comes before the others. An
	// error means that the question has no answer; it is never a refusal of a node.
	Filter(ctx context.Context, pod *corev1.Pod) ([]Verdict, error)
	// Pick returns the node that the scheduler would choose now, with its scores, or "" if none fits.
	Pick(ctx context.Context, pod *corev1.Pod) (string, error)
	// Assume lets a Pod run on a node in all later answers; its unbound claims count as provisioned there. Forget takes it away again,
	// in any order.
	Assume(pod *corev1.Pod, node string) error
	Forget(pod *corev1.Pod) error
}

// NewScheduler makes a Scheduler that sees a World.
type NewScheduler func(ctx context.Context, w *World) (Scheduler, error)
