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
	// beforeCreation says that the rewrite runs before the target is created, so that its UID is unknown.
	beforeCreation bool
}

// knownTarget returns the target's identity as the rewrite knows it.
func (r restore) knownTarget() rewrite.Identity {
	known := r.target
	if r.beforeCreation {
		known.UID = ""
	}
	return known
}

func (r restore) moved() bool { return r.target.Namespace != sourceNamespace }

func (r restore) keepsName() bool { return r.target.Name == source.Name }

// satisfiable reports whether a term can satisfy the laws when only single leaves of it change. A rewrite keeps other terms and
// reports a finding.
func (r restore) satisfiable(t *corev1.PodAffinityTerm) bool {
	return r.canName(t) && (!r.moved() || implicitNamespace(t) || r.canMove(t))
}

// canName reports whether a term can name the target as it names the source.
func (r restore) canName(t *corev1.PodAffinityTerm) bool {
	info := r.inspect(t.LabelSelector)
	switch {
	case info.namesShard:
		// KubeBlocks generates other names for the target's shards.
		return false
	case !r.beforeCreation || !info.namesUID:
		return true
	case info.uidOrOther:
		// The name replaces the UID, but "this name or that UID" needs two terms.
		return false
	default:
		// The name replaces the UID, but the API server rejects a key that stands in the selector and in matchLabelKeys.
		return !slices.Contains(t.MatchLabelKeys, rewrite.LabelInstance)
	}
}

// canMove reports whether a term with explicit namespaces can follow the target into another namespace.
func (r restore) canMove(t *corev1.PodAffinityTerm) bool {
	info := r.inspect(t.LabelSelector)
	switch {
	case info.strangersOnly:
		return true
	case r.keepsName():
		// Only the namespace distinguishes the two clusters, so the term has to replace the source's with the target's.
		return info.sourceOnly && t.NamespaceSelector == nil && slices.Contains(t.Namespaces, sourceNamespace)
	case info.namesTarget && !covers(t, sourceNamespace):
		// It does not cover the source. It names an earlier cluster with the target's name.
		return false
	case info.sourceOnly:
		return !r.excludesTarget(t)
	default:
		// It also selects strangers, which did not move. It would have to cover other namespaces for them than for the target.
		return r.coversBothOrNeither(t)
	}
}

// excludesTarget reports whether a term covers the source's namespace only because its selector excludes the target's. A rewrite
// renames only the source's namespace, so the term cannot cover the target's.
func (r restore) excludesTarget(t *corev1.PodAffinityTerm) bool {
	if t.NamespaceSelector == nil || slices.Contains(t.Namespaces, sourceNamespace) || slices.Contains(t.Namespaces, r.target.Namespace) {
		return false
	}
	return covers(t, sourceNamespace) && slices.ContainsFunc(t.NamespaceSelector.MatchExpressions, func(q metav1.LabelSelectorRequirement) bool {
		return q.Key == rewrite.LabelNamespace && q.Operator == metav1.LabelSelectorOpNotIn && slices.Contains(q.Values, r.target.Namespace)
	})
}

// coversBothOrNeither is about the source's and the target's namespace, and terms with explicit namespaces.
func (r restore) coversBothOrNeither(t *corev1.PodAffinityTerm) bool {
	return covers(t, sourceNamespace) == covers(t, r.target.Namespace)
}

func implicitNamespace(t *corev1.PodAffinityTerm) bool {
	return len(t.Namespaces) == 0 && t.NamespaceSelector == nil
}

// covers reports whether a term selects Pods in a namespace, by the list or the selector.
func covers(t *corev1.PodAffinityTerm, namespace string) bool {
	if slices.Contains(t.Namespaces, namespace) {
		return true
	}
	selector, err := metav1.LabelSelectorAsSelector(t.NamespaceSelector)
	return err == nil && selector.Matches(labels.Set(namespaceLabels(namespace)))
}
