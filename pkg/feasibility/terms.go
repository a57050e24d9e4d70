package feasibility

import (
	"encoding/json"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// term is one rule of one Pod, stale and rewritten.
type term struct {
	rule Rule
	pod  int
	// took are the Pods of the Cluster that the stale rule selects, takes those that the rewritten one selects.
	took, takes set
	// changed says that the rewrite changes the rule, refused that it was refused, and so selects Pods of the source.
	changed, refused bool
	// exchanged says that the rewritten rule leaves out Pods of the Cluster that the stale one selects. It selects the source's
	// instead, as NotIn does.
	exchanged bool
	// spread is the rewritten constraint; nil for other kinds.
	spread *corev1.TopologySpreadConstraint
}

// selector finds out which Pods a rule selects. Equal rules share one answer.
type selector struct {
	world  *World
	known  map[string]set
	budget *Budget
	// labelled holds the Pods with a value of a label.
	labelled map[[2]string][]int
}

// terms lists the rules of all Pods that can leave a Pod without a node. The list is not complete once the budget is spent.
func terms(w *World, b *Budget) []term {
	s := &selector{world: w, known: map[string]set{}, budget: b, labelled: map[[2]string][]int{}}
	for i := range w.Pods {
		b.spend(4 * len(w.Pods[i].Labels))
		for key, value := range w.Pods[i].Labels {
			s.labelled[[2]string{key, value}] = append(s.labelled[[2]string{key, value}], i)
		}
	}
	all := make([]term, 0, len(w.Pods))
	for i := range w.Pods {
		if b.spent() {
			return all
		}
		stale, rewritten := &w.Pods[i].Stale, &w.Pods[i].Rewritten
		all = append(all, s.podTerms(i, Affinity, required(stale, Affinity), required(rewritten, Affinity))...)
		all = append(all, s.podTerms(i, AntiAffinity, required(stale, AntiAffinity), required(rewritten, AntiAffinity))...)
		all = append(all, s.constraints(i, stale.TopologySpreadConstraints, rewritten.TopologySpreadConstraints)...)
	}
	return all
}

func required(r *Rules, kind Kind) []corev1.PodAffinityTerm {
	switch a := r.Affinity; {
	case a == nil:
		return nil
	case kind == Affinity && a.PodAffinity != nil:
		return a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	case kind == AntiAffinity && a.PodAntiAffinity != nil:
		return a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	default:
		return nil
	}
}

func (s *selector) podTerms(pod int, kind Kind, stale, rewritten []corev1.PodAffinityTerm) []term {
	list := make([]term, 0, len(rewritten))
	for i := range rewritten {
		after, before := &rewritten[i], &corev1.PodAffinityTerm{}
		if i < len(stale) {
			before = &stale[i]
		}
		if s.budget.spent() {
			return list
		}
		list = append(list, term{
			rule:    Rule{s.world.Pods[pod].Policy, kind, i, after.TopologyKey},
			pod:     pod,
			took:    s.selected(before, pod),
			takes:   s.selected(after, pod),
			changed: !equality.Semantic.DeepEqual(before, after), exchanged: s.exchanged(before.LabelSelector, after.LabelSelector),
		})
	}
	return list
}

func (s *selector) constraints(pod int, stale, rewritten []corev1.TopologySpreadConstraint) []term {
	var list []term
	for i := range rewritten {
		after, before := &rewritten[i], &corev1.TopologySpreadConstraint{}
		if i < len(stale) {
			before = &stale[i]
		}
		if after.WhenUnsatisfiable != corev1.DoNotSchedule {
			continue
		}
		if s.budget.spent() {
			return list
		}
		list = append(list, term{
			rule:    Rule{s.world.Pods[pod].Policy, Spread, i, after.TopologyKey},
			pod:     pod,
			took:    s.counted(before, pod),
			takes:   s.counted(after, pod),
			changed: !equality.Semantic.DeepEqual(before, after), exchanged: s.exchanged(before.LabelSelector, after.LabelSelector),
			spread: after,
		})
	}
	return list
}

// counted returns the Pods that a constraint counts. One that selects every Pod counts none: the scheduler has it so.
func (s *selector) counted(c *corev1.TopologySpreadConstraint, pod int) set {
	t := &corev1.PodAffinityTerm{LabelSelector: c.LabelSelector, MatchLabelKeys: c.MatchLabelKeys}
	if merged := merge(t, s.world.Pods[pod].Labels); merged != nil && len(merged.MatchLabels)+len(merged.MatchExpressions) == 0 {
		return newSet(len(s.world.Pods))
	}
	return s.selected(t, pod)
}

// exchanged reports whether a selector leaves out Pods of the Cluster that it selected when it was stale. Label keys of the Pod do not
// count, because they tell the Cluster's Pods apart, not those of the source.
func (s *selector) exchanged(stale, rewritten *metav1.LabelSelector) bool {
	before, after := &corev1.PodAffinityTerm{LabelSelector: stale}, &corev1.PodAffinityTerm{LabelSelector: rewritten}
	return !s.selected(before, 0).within(s.selected(after, 0))
}

// selected returns the Pods of the Cluster that a term of a Pod selects.
func (s *selector) selected(t *corev1.PodAffinityTerm, pod int) set {
	s.budget.spend(100)
	merged := merge(t, s.world.Pods[pod].Labels)
	key, err := json.Marshal([]any{merged, t.Namespaces, t.NamespaceSelector})
	if err != nil {
		return newSet(len(s.world.Pods))
	}
	s.budget.spend(len(key) / 8)
	pods, ok := s.known[string(key)]
	if !ok {
		pods = s.matching(merged, t)
		s.known[string(key)] = pods
	}
	return pods
}

func (s *selector) matching(merged *metav1.LabelSelector, t *corev1.PodAffinityTerm) set {
	pods := newSet(len(s.world.Pods))
	parsed, err := metav1.LabelSelectorAsSelector(merged)
	if err != nil || !s.world.ranges(t) { // The API server refuses a selector that cannot be parsed.
		return pods
	}
	steps := 10 + selectorSteps(merged)
	for _, i := range s.narrow(merged) {
		if s.budget.spend(steps) && parsed.Matches(labels.Set(s.world.Pods[i].Labels)) {
			pods.add(i)
		}
	}
	return pods
}

// narrow returns Pods among which are all that the selector matches.
func (s *selector) narrow(merged *metav1.LabelSelector) []int {
	var fewest []int
	if merged == nil {
		return nil
	}
	for key, value := range merged.MatchLabels {
		pods := s.labelled[[2]string{key, value}]
		if len(pods) == 0 {
			return nil
		}
		if fewest == nil || len(pods) < len(fewest) {
			fewest = pods
		}
	}
	if fewest == nil {
		return slices.Collect(fullSet(len(s.world.Pods)).all())
	}
	return fewest
}

// ranges reports whether a term ranges over the Cluster's namespace.
func (w *World) ranges(t *corev1.PodAffinityTerm) bool {
	if len(t.Namespaces) == 0 && t.NamespaceSelector == nil || slices.Contains(t.Namespaces, w.Namespace) {
		return true
	}
	parsed, err := metav1.LabelSelectorAsSelector(t.NamespaceSelector)
	if err != nil {
		return false
	}
	namespace := labels.Set{corev1.LabelMetadataName: w.Namespace}
	maps.Copy(namespace, w.NamespaceLabels)
	return parsed.Matches(namespace)
}

// merge returns a term's selector as the API server stores it in a Pod: with the values of the Pod's labels.
func merge(t *corev1.PodAffinityTerm, of map[string]string) *metav1.LabelSelector {
	if t.LabelSelector == nil || len(t.MatchLabelKeys)+len(t.MismatchLabelKeys) == 0 {
		return t.LabelSelector
	}
	merged := t.LabelSelector.DeepCopy()
	add := func(keys []string, operator metav1.LabelSelectorOperator) {
		for _, key := range keys {
			if value, ok := of[key]; ok {
				merged.MatchExpressions = append(merged.MatchExpressions,
					metav1.LabelSelectorRequirement{Key: key, Operator: operator, Values: []string{value}})
			}
		}
	}
	add(t.MatchLabelKeys, metav1.LabelSelectorOpIn)
	add(t.MismatchLabelKeys, metav1.LabelSelectorOpNotIn)
	return merged
}
