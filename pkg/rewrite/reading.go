package rewrite

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// reading is what a selector says. Selectors that are alike share it, so that nothing in it is for writing to.
type reading struct {
	of      *metav1.LabelSelector
	names   names
	vacuous bool
	// renamed is the selector for the target where it names a source, and nil where no selector can say it.
	renamed *metav1.LabelSelector
}

// read returns what a selector says; it is good until the next is read.
func (r *renamer) read(s *metav1.LabelSelector) *reading {
	if s == nil || r.last.of == nil || !sameSelector(s, r.last.of) {
		r.last = reading{names: r.named(s), vacuous: r.vacuous(s)}
		if r.last.names.source {
			r.last.renamed = r.selector(s)
		}
	}
	r.last.of = s // the next comparison of the same one is short
	return &r.last
}
