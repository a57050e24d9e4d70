package rewrite

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// selectorInfo is what is known about a selector. Equal selectors share it, so it is read-only.
type selectorInfo struct {
	of      *metav1.LabelSelector
	names   names
	vacuous bool
	// renamed is the selector for the target where it names a source, and nil where no selector fits.
	renamed *metav1.LabelSelector
}

// info returns what is known about a selector; it is valid until the next call.
func (r *renamer) info(s *metav1.LabelSelector) *selectorInfo {
	if s == nil || r.last.of == nil || !sameSelector(s, r.last.of) {
		r.last = selectorInfo{names: r.named(s), vacuous: r.vacuous(s)}
		if r.last.names.source {
			r.last.renamed = r.selector(s)
		}
	}
	r.last.of = s // comparing the same pointer again is cheap
	return &r.last
}
