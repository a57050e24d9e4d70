package kubeblocks

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// inTree is the rewrite that KubeBlocks 1.0.1 and later apply on some restore paths. Every requirement on the instance label
// gets the target's name, whatever its values and operator were.
type inTree struct{}

// Rewrite implements rewrite.InTree.
func (inTree) Rewrite(s *metav1.LabelSelector, target string) *metav1.LabelSelector {
	rewritten := s.DeepCopy()
	if _, ok := rewritten.MatchLabels[LabelInstance]; ok {
		rewritten.MatchLabels[LabelInstance] = target
	}
	for i := range rewritten.MatchExpressions {
		if requirement := &rewritten.MatchExpressions[i]; requirement.Key == LabelInstance {
			requirement.Values = []string{target}
		}
	}
	return rewritten
}

// OpsRequestPolicies returns the policies of the Cluster that an OpsRequest of type Restore creates from a snapshot. From 1.0 on,
// KubeBlocks rewrites those of the cluster, of components and of shardings, and misses those of instance templates and shard templates.
func (v Version) OpsRequestPolicies(policies []rewrite.Policy, target string) []rewrite.Policy {
	if v == V09 || v == "" {
		return policies
	}
	rewritten := make([]rewrite.Policy, 0, len(policies))
	for _, p := range policies {
		if governsAll(&p) {
			p.Affinity, p.TopologySpreadConstraints = p.Affinity.DeepCopy(), slices.Clone(p.TopologySpreadConstraints)
			inTreeRules(p.Affinity, p.TopologySpreadConstraints, target)
		}
		rewritten = append(rewritten, p)
	}
	return rewritten
}

// inTreeRules does to rules what an OpsRequest does to those of a policy.
func inTreeRules(affinity *corev1.Affinity, constraints []corev1.TopologySpreadConstraint, target string) {
	rename := func(s **metav1.LabelSelector) {
		if *s != nil {
			*s = inTree{}.Rewrite(*s, target)
		}
	}
	for _, term := range PodTerms(affinity) {
		rename(&term.LabelSelector)
	}
	for i := range constraints {
		rename(&constraints[i].LabelSelector)
	}
}
