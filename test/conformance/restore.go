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
	w := r.whom(t.LabelSelector)
	switch {
	case w.shard:
		// The target's shards have other names, which are drawn at random.
		return false
	case r.early && w.uidAmongOthers:
		// "This UID or that name" takes two terms.
		return false
	case r.early && w.uid && slices.Contains(slices.Concat(t.MatchLabelKeys, t.MismatchLabelKeys), rewrite.LabelInstance):
		// The name cannot stand in for the UID: the API server refuses a selector with a key that is a label key as well.
		return false
	case !r.moved() || implicitNamespace(t) || w.strangersOnly:
		return true
	case w.target && !rangesOver(t, sourceNamespace):
		// The source is out of its reach, so that it is about a cluster whose name the target took.
		return false
	case r.keepsName():
		// A name that both have tells them apart only where the term can leave the source's namespace for the target's.
		return w.sourceOnly && t.NamespaceSelector == nil && slices.Contains(t.Namespaces, sourceNamespace)
	case w.sourceOnly:
		return true
	default:
		// The term takes strangers as well, and those did not move: it would have to range over the target's namespace for the
		// target and over the source's for them.
		return r.rangesAlike(t)
	}
}

// rangesAlike reports whether a term that says what it ranges over means both the source's namespace and the target's, or
// neither.
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
	if err != nil {
		return false
	}
	return slices.ContainsFunc(namespaces(), func(n *corev1.Namespace) bool {
		return n.Name == namespace && selector.Matches(labels.Set(n.Labels))
	})
}

// whom is whose Pods a selector is about.
type whom struct {
	source, target, shard bool
	// sourceOnly says that it takes Pods of the source only, strangersOnly that it takes none of them.
	sourceOnly, strangersOnly bool
	// uid says that it names the source by its UID.
	uid bool
	// uidAmongOthers says that it wants the source's UID or another value.
	uidAmongOthers bool
}

func (r restore) whom(s *metav1.LabelSelector) whom {
	if s == nil {
		return whom{strangersOnly: true}
	}
	var w whom
	for key, value := range s.MatchLabels {
		w.add(r, key, metav1.LabelSelectorOpIn, []string{value})
	}
	for _, requirement := range s.MatchExpressions {
		w.add(r, requirement.Key, requirement.Operator, requirement.Values)
	}
	return w
}

func (w *whom) add(r restore, key string, operator metav1.LabelSelectorOperator, values []string) {
	if !slices.Contains(identityKeys, key) {
		return
	}
	ofSource, ofOthers := 0, 0
	for _, value := range values {
		switch r.owner(key, value) {
		case theSource:
			w.source = true
			ofSource++
		case theTarget: // It stands beside the source's only.
			w.target = true
			ofSource++
		case aShard:
			w.shard = true
		default:
			ofOthers++
		}
	}
	w.uid = w.uid || key == rewrite.LabelClusterUID && ofSource > 0
	if operator != metav1.LabelSelectorOpIn {
		return
	}
	w.sourceOnly = w.sourceOnly || ofOthers == 0
	w.strangersOnly = w.strangersOnly || ofSource == 0
	w.uidAmongOthers = w.uidAmongOthers || key == rewrite.LabelClusterUID && ofSource > 0 && ofOthers > 0
}

// owner is whom a label value identifies.
type owner int

const (
	aStranger owner = iota
	theSource
	theTarget
	aShard
)

// owner says whom a label value identifies, by comparing it with those of every Pod that the clusters can have.
func (r restore) owner(key, value string) owner {
	for _, m := range shapes {
		switch {
		case m.identity(source, key) == value && m.component == shard:
			return aShard
		case m.identity(source, key) == value:
			return theSource
		case m.identity(r.target, key) == value:
			return theTarget
		}
	}
	return aStranger
}
