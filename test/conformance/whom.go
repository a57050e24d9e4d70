package conformance

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// whom is whose Pods a selector is about.
type whom struct {
	source, target, shard bool
	// sourceOnly says that it takes Pods of the source only, strangersOnly that it takes none of them.
	sourceOnly, strangersOnly bool
	// uid says that it names the source by its UID, uidAmongOthers that it wants that or another value.
	uid, uidAmongOthers bool
}

func (r restore) whom(s *metav1.LabelSelector) whom {
	if s == nil {
		return whom{strangersOnly: true}
	}
	var w whom
	for key, value := range s.MatchLabels {
		w.add(r, metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{value}})
	}
	for _, requirement := range s.MatchExpressions {
		w.add(r, requirement)
	}
	return w
}

func (w *whom) add(r restore, q metav1.LabelSelectorRequirement) {
	if !slices.Contains(identityKeys, q.Key) {
		return
	}
	owners := map[owner]bool{}
	for _, value := range q.Values {
		owners[r.owner(q.Key, value)] = true
	}
	w.source = w.source || owners[theSource]
	w.target = w.target || owners[theTarget]
	w.shard = w.shard || owners[aShard]
	w.uid = w.uid || owners[theSource] && q.Key == rewrite.LabelClusterUID
	if q.Operator == metav1.LabelSelectorOpIn {
		w.confine(q.Key, owners)
	}
}

// confine takes into account that a Pod must have a value of one of some owners.
func (w *whom) confine(key string, owners map[owner]bool) {
	w.sourceOnly = w.sourceOnly || !owners[aStranger]
	// The target's values stand beside the source's only.
	w.strangersOnly = w.strangersOnly || !owners[theSource]
	w.uidAmongOthers = w.uidAmongOthers || key == rewrite.LabelClusterUID && owners[theSource] && owners[aStranger]
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
