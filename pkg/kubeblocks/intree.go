package kubeblocks

import (
	"strings"

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
		if p.Template == "" && !strings.Contains(p.Place, "/shardTemplates/") {
			p = inTreePolicy(p, target)
		}
		rewritten = append(rewritten, p)
	}
	return rewritten
}

func inTreePolicy(p rewrite.Policy, target string) rewrite.Policy {
	rename := func(s *metav1.LabelSelector) *metav1.LabelSelector {
		if s == nil {
			return nil
		}
		return inTree{}.Rewrite(s, target)
	}
	p.Affinity = p.Affinity.DeepCopy()
	if a := p.Affinity; a != nil && a.PodAffinity != nil {
		renameTerms(a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution, a.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution, rename)
	}
	if a := p.Affinity; a != nil && a.PodAntiAffinity != nil {
		renameTerms(a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution, a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution, rename)
	}
	constraints := make([]corev1.TopologySpreadConstraint, 0, len(p.TopologySpreadConstraints))
	for _, c := range p.TopologySpreadConstraints {
		c.LabelSelector = rename(c.LabelSelector)
		constraints = append(constraints, c)
	}
	p.TopologySpreadConstraints = constraints
	return p
}

func renameTerms(required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm, rename func(*metav1.LabelSelector) *metav1.LabelSelector) {
	for i := range required {
		required[i].LabelSelector = rename(required[i].LabelSelector)
	}
	for i := range preferred {
		preferred[i].PodAffinityTerm.LabelSelector = rename(preferred[i].PodAffinityTerm.LabelSelector)
	}
}
