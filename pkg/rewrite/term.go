package rewrite

import (
	"iter"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kind is what a rule does with the Pods that it selects.
type kind string

const (
	affinity     kind = "affinity"
	antiAffinity kind = "anti-affinity"
	spread       kind = "topology spread"
)

// term is one rule that selects Pods.
type term struct {
	kind kind
	// path is the JSON Pointer of the selector's owner: the (weighted) term's podAffinityTerm, or the constraint. It is empty
	// for rules of a snapshot, which are never edited.
	path string
	// index is that of the rule in its list.
	index       int
	required    bool
	topologyKey string
	selector    *metav1.LabelSelector
	// pods is the term of an affinity rule, nil for a spread constraint, which applies to its Pod's own namespace.
	pods *corev1.PodAffinityTerm
	// weight is that of a preferred affinity rule, else 0.
	weight int32
	// constraint is the spread constraint, nil for an affinity rule.
	constraint *corev1.TopologySpreadConstraint
}

// matchLabelKeys returns the keys whose values the term takes from its own Pod.
func (t term) matchLabelKeys() []string {
	if t.pods != nil {
		return t.pods.MatchLabelKeys
	}
	return t.constraint.MatchLabelKeys
}

// implicitNamespace reports whether the term applies to its Pod's own namespace.
func (t term) implicitNamespace() bool {
	return t.pods == nil || len(t.pods.Namespaces) == 0 && t.pods.NamespaceSelector == nil
}

// terms lists the rules of a policy that select Pods, in their order. Those of a shard get the empty component name that they
// have in the Cluster.
func terms(p *Policy) []term {
	count := 0
	for range eachRule(p) {
		count++
	}
	all := make([]term, 0, count)
	for t := range eachRule(p) {
		t.path = p.Path + t.list() + strconv.Itoa(t.index) + t.below()
		if p.Shard != "" {
			t = withPlaceholder(t, p.Shard)
		}
		all = append(all, t)
	}
	return all
}

// list returns the JSON Pointer of the term's list, relative to the policy.
func (t *term) list() string {
	switch {
	case t.kind == spread:
		return "/topologySpreadConstraints/"
	case t.kind == affinity && t.required:
		return "/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/"
	case t.kind == affinity:
		return "/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/"
	case t.required:
		return "/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/"
	default:
		return "/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/"
	}
}

// below returns the JSON Pointer of the selector's owner, relative to the element of the list.
func (t *term) below() string {
	if t.kind == spread || t.required {
		return ""
	}
	return "/podAffinityTerm"
}

// eachRule yields the rules of a policy that select Pods, in their order and without paths.
func eachRule(p *Policy) iter.Seq[term] {
	return func(yield func(term) bool) {
		a := p.Affinity
		if a != nil && a.PodAffinity != nil && !yieldTerms(yield, affinity,
			a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution, a.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution) {
			return
		}
		if a != nil && a.PodAntiAffinity != nil && !yieldTerms(yield, antiAffinity,
			a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution, a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution) {
			return
		}
		yieldConstraints(yield, p.TopologySpreadConstraints)
	}
}

func yieldTerms(yield func(term) bool, k kind, required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm) bool {
	for i := range required {
		t := &required[i]
		if !yield(term{kind: k, index: i, required: true, topologyKey: t.TopologyKey, selector: t.LabelSelector, pods: t}) {
			return false
		}
	}
	for i := range preferred {
		t := &preferred[i].PodAffinityTerm
		if !yield(term{kind: k, index: i, topologyKey: t.TopologyKey, selector: t.LabelSelector, pods: t, weight: preferred[i].Weight}) {
			return false
		}
	}
	return true
}

func yieldConstraints(yield func(term) bool, constraints []corev1.TopologySpreadConstraint) {
	for i := range constraints {
		c := &constraints[i]
		required := c.WhenUnsatisfiable == corev1.DoNotSchedule
		if !yield(term{kind: spread, index: i, required: required, topologyKey: c.TopologyKey, selector: c.LabelSelector, constraint: c}) {
			return
		}
	}
}

// withPlaceholder returns a term with an empty component name instead of a shard's.
func withPlaceholder(t term, shard string) term {
	if t.selector == nil {
		return t
	}
	t.selector = t.selector.DeepCopy()
	if t.selector.MatchLabels[LabelComponentName] == shard {
		t.selector.MatchLabels[LabelComponentName] = ""
	}
	for _, r := range t.selector.MatchExpressions {
		if i := slices.Index(r.Values, shard); r.Key == LabelComponentName && i >= 0 {
			r.Values[i] = ""
		}
	}
	return t
}
