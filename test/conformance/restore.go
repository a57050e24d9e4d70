package conformance

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// restore is a restore of the source into a target.
type restore struct {
	target rewrite.Identity
	// early says that the target is yet to be created when the rewrite happens, so that its UID is not known then.
	early bool
}

// asKnown returns the target as far as the rewrite knows it.
func (r restore) asKnown() rewrite.Identity {
	known := r.target
	if r.early {
		known.UID = ""
	}
	return known
}

func (r restore) moved() bool { return r.target.Namespace != sourceNamespace }

func (r restore) keepsName() bool { return r.target.Name == source.Name }

// satisfiable reports whether the laws can be satisfied for a term by changing single leaves of it, or none. The laws are
// not checked for other terms. Those are left as they are, and a finding says so.
func (r restore) satisfiable(t *corev1.PodAffinityTerm) bool {
	return r.namable(t) && (!r.moved() || implicitNamespace(t) || r.movable(t))
}

// namable reports whether a term can name the target as it names the source.
func (r restore) namable(t *corev1.PodAffinityTerm) bool {
	w := r.whom(t.LabelSelector)
	switch {
	case w.shard:
		// The target's shards have other names, which are drawn at random.
		return false
	case !r.early || !w.uid:
		return true
	case w.uidAmongOthers:
		// "This UID or that name" takes two terms.
		return false
	default:
		// The name stands in for the UID, but the API server refuses a key in a selector and in matchLabelKeys.
		return !slices.Contains(t.MatchLabelKeys, rewrite.LabelInstance)
	}
}

// movable reports whether a term that spells out its namespaces can follow the target into another.
func (r restore) movable(t *corev1.PodAffinityTerm) bool {
	w := r.whom(t.LabelSelector)
	switch {
	case w.strangersOnly:
		return true
	case r.keepsName():
		// A name that both have tells them apart only where the term can leave the source's namespace for the target's.
		return w.sourceOnly && t.NamespaceSelector == nil && slices.Contains(t.Namespaces, sourceNamespace)
	case w.target && !rangesOver(t, sourceNamespace):
		// The source is out of its reach, so that it is about a cluster whose name the target took.
		return false
	case w.sourceOnly:
		return !r.shutsOut(t)
	default:
		// The term takes strangers as well, and those did not move: it would have to range over the target's namespace for the
		// target and over the source's for them.
		return r.rangesAlike(t)
	}
}

// shutsOut reports whether a term takes the source in its namespace because that is not the target's. Only the source's
// namespace is renamed in a term, so that it cannot take the target.
func (r restore) shutsOut(t *corev1.PodAffinityTerm) bool {
	if t.NamespaceSelector == nil || slices.Contains(t.Namespaces, sourceNamespace) || slices.Contains(t.Namespaces, r.target.Namespace) {
		return false
	}
	return rangesOver(t, sourceNamespace) && slices.ContainsFunc(t.NamespaceSelector.MatchExpressions, func(q metav1.LabelSelectorRequirement) bool {
		return q.Key == rewrite.LabelNamespace && q.Operator == metav1.LabelSelectorOpNotIn && slices.Contains(q.Values, r.target.Namespace)
	})
}

// rangesAlike reports whether a term that spells out its namespaces means both the source's and the target's, or neither.
func (r restore) rangesAlike(t *corev1.PodAffinityTerm) bool {
	return rangesOver(t, sourceNamespace) == rangesOver(t, r.target.Namespace)
}

func implicitNamespace(t *corev1.PodAffinityTerm) bool {
	return len(t.Namespaces) == 0 && t.NamespaceSelector == nil
}

// rangesOver reports whether a term ranges over one of the namespaces of every scenario, by name or by selector.
func rangesOver(t *corev1.PodAffinityTerm, namespace string) bool {
	if slices.Contains(t.Namespaces, namespace) {
		return true
	}
	selector, err := metav1.LabelSelectorAsSelector(t.NamespaceSelector)
	return err == nil && selector.Matches(labels.Set(namespaceLabels(namespace)))
}
