package feasibility

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What one decision may cost. A step takes 10 to 50 nanoseconds.
const (
	maxSteps = 40_000_000
	// maxSearch is what the search of one group may cost.
	maxSearch = 8_000_000
	// maxConstraints is how many constraints of one Pod a proof takes on.
	maxConstraints = 4
	// maxRounds is how often rules are judged anew after some were refused.
	maxRounds = 24
	// maxReconsidered is how many refusals are judged a second time, in the light of the others.
	maxReconsidered = 12
)

// Budget bounds the work of one decision, or of several together.
type Budget struct{ left int }

// NewBudget returns the budget of one decision. To spend it takes about two seconds of a processor.
func NewBudget() *Budget { return &Budget{maxSteps} }

// spend takes steps, and reports whether there were enough.
func (b *Budget) spend(steps int) bool {
	b.left -= steps
	return b.left >= 0
}

func (b *Budget) spent() bool { return b.left < 0 }

// Steps returns how many steps were taken. A step takes 10 to 50 nanoseconds.
func (b *Budget) Steps() int { return maxSteps - b.left }

// selectorSteps is what it costs to compare a selector with one Pod or node: values are compared one by one.
func selectorSteps(s *metav1.LabelSelector) int {
	if s == nil {
		return 1
	}
	steps := 1 + len(s.MatchLabels)
	for i := range s.MatchExpressions {
		steps += 1 + len(s.MatchExpressions[i].Values)/4
	}
	return steps
}

// homeSteps is what it costs to compare with one node what a Pod's own spec says of nodes.
func homeSteps(p *Pod, affinity *corev1.NodeAffinity) int {
	steps := 2 + len(p.NodeSelector) + len(p.Tolerations)
	if affinity == nil || affinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return steps
	}
	for _, term := range affinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		steps += 2
		for _, r := range slices.Concat(term.MatchExpressions, term.MatchFields) {
			steps += 2 + len(r.Values)/4
		}
	}
	return steps
}
