package rewrite

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// classify adds what there is to say of a live rule t that comes from o. edited says that the rule is being changed.
func (w *walk) classify(t term, o *origin, edited bool) {
	rule := o.words(w.subject(o.term), o.policy.Place, o.source.Backup)
	n := w.named(o.selector)
	source := n.source && w.inRange(o.term)
	if source {
		w.classifySource(t, o, rule, edited)
	}
	switch {
	case o.inTree && w.lost(t, o):
		w.classifyLost(t, o, rule)
	case n.source && !source:
		w.find(t.path, ThirdParty, rule, "names a cluster in another namespace than the source's: kept")
	case len(n.others) > 0:
		w.find(t.path, ThirdParty, rule, "names "+list(n.others)+", which is not the source: kept")
	case n.shard && !source:
		w.find(t.path, Generated, rule, "names a shard of the source, and those of "+w.target.Name+" have other names: kept")
	case isPlaceholder(o.selector):
		w.find(t.path, Placeholder, rule, "leaves the component's name to KubeBlocks: not touched")
	case w.vacuous(o.selector):
		w.find(t.path, Vacuous, rule, "takes no Pod that the source had or "+w.target.Name+" can have: kept, without effect")
	case w.unscoped(o.term):
		w.classifyUnscoped(t, rule)
	}
	w.classifyNamespace(t, o, rule, source && n.only)
}

// classifySource speaks of a rule that names the source.
func (w *walk) classifySource(t term, o *origin, rule string, edited bool) {
	n := w.named(o.selector)
	switch _, ok := w.retarget(o.term, false); {
	case ok && edited:
		w.find(t.path, SourceIdentity, rule, "was inherited: it becomes "+w.target.Name)
	case ok:
	case n.shard:
		w.find(t.path, Generated, rule, "names a shard of the source, and those of "+w.target.Name+" have other names: kept")
	case w.moved() && !o.implicitNamespace() && !n.only:
		w.find(t.path, NamespaceShift, rule, "names others beside the source, which stay in its namespace: kept, because one rule cannot take both")
	default:
		w.find(t.path, Generated, rule, "names the source by a value that "+w.target.Name+" does not have: kept")
	}
}

// lost reports whether KubeBlocks' rewrite of o took something from it that this one would have kept.
func (w *walk) lost(t term, o *origin) bool {
	kept, whole := t, t
	whole.selector = w.undoInTree(t.selector, o.selector)
	kept, _ = w.retarget(kept, false)
	whole, _ = w.retarget(whole, false)
	return canonicalOf(kept) != canonicalOf(whole)
}

func (w *walk) classifyLost(t term, o *origin, rule string) {
	verdict := "was turned to " + w.target.Name + " by KubeBlocks; the snapshot holds " + metav1.FormatLabelSelector(o.selector)
	if w.options.RestoreThirdParty {
		verdict += ": put back"
	} else {
		verdict += ": kept as it is, restoreThirdParty puts it back"
	}
	w.find(t.path, ThirdParty, rule, verdict)
}

func (w *walk) classifyUnscoped(t term, rule string) {
	if w.options.ScopeUnscoped {
		w.find(t.path, Unscoped, rule, "names no cluster: scoped to "+w.target.Name)
		return
	}
	w.find(t.path, Unscoped, rule, "names no cluster, so it takes the Pods of the source and of others as well: kept, scopeUnscoped scopes it")
}

// classifyNamespace speaks of a rule that ranges over its Pod's own namespace, which is another now.
func (w *walk) classifyNamespace(t term, o *origin, rule string, sourceOnly bool) {
	if !w.moved() || o.pods == nil || !o.implicitNamespace() || sourceOnly || w.vacuous(o.selector) {
		return
	}
	w.find(t.path, NamespaceShift, rule, "ranged over namespace "+o.source.Namespace+" and ranges over "+w.target.Namespace+" now: kept")
}
