package remedy

import (
	"slices"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// bundles are edits that are made together, or not at all. A proof is about all rules of a group: while one stays stale, it says nothing of
// the others. And a Restore whose attempt must follow waits for all rules that govern its component.
type bundles struct {
	*decision
	// governed are the keys that an edit has which can wait.
	governed map[bundleKey]bool
	// everywhere says that one of them is of a rule of the whole Cluster.
	everywhere bool
	// followed are the components of the Restores that must follow.
	followed map[string]bool
	// parents joins the keys of an edit: see root.
	parents map[bundleKey]bundleKey
	// held are the limits of bundles, paid the bundles that a token was taken for. One is enough for the Restores of a bundle: there can be
	// more of them than the bucket ever holds tokens.
	held map[bundleKey]*limit
	paid map[bundleKey]bool
}

// bundleKey is what edits have in common: a group, by its number from 1 on, or a component, whose name is empty for the whole Cluster.
type bundleKey struct {
	group     int
	component string
}

// bundle finds out which of the edits are made together, where those Restores must follow.
func (d *decision) bundle(edits []rewrite.Edit, following []Restore) *bundles {
	b := &bundles{
		decision: d, governed: map[bundleKey]bool{}, followed: map[string]bool{},
		parents: map[bundleKey]bundleKey{}, held: map[bundleKey]*limit{}, paid: map[bundleKey]bool{},
	}
	for i := range following {
		b.followed[following[i].Component] = true
	}
	b.everywhere = slices.ContainsFunc(edits, func(e rewrite.Edit) bool { return e.Component == "" && d.canWait(e) })
	for _, edit := range edits {
		keys := b.keysOf(edit)
		for _, key := range keys {
			b.governed[key] = true
			b.parents[b.root(key)] = b.root(keys[0])
		}
	}
	return b
}

// keysOf returns the keys of an edit; none where it is not held with others.
func (b *bundles) keysOf(e rewrite.Edit) []bundleKey {
	if !b.canWait(e) {
		return nil
	}
	var keys []bundleKey
	if e.Component == "" || b.followed[e.Component] {
		keys = append(keys, b.keyOf(e.Component))
	}
	if group, proven := b.Placement.group(e); proven {
		keys = append(keys, bundleKey{group: 1 + group})
	}
	return keys
}

// keyOf returns the key of a component. A rule of the whole Cluster joins those that it governs.
func (b *bundles) keyOf(component string) bundleKey {
	if b.everywhere && !b.Overriding[component] {
		component = ""
	}
	return bundleKey{component: component}
}

// root returns the key that stands for all that are joined with this one.
func (b *bundles) root(key bundleKey) bundleKey {
	for {
		parent, joined := b.parents[key]
		if !joined || parent == key {
			return key
		}
		if grandparent, joined := b.parents[parent]; joined {
			b.parents[key] = grandparent
		}
		key = parent
	}
}

// waits reports whether a Restore of the component waits for a bundle that is not held.
func (b *bundles) waits(component string) bool {
	key := b.keyOf(component)
	return b.governed[key] && b.held[b.root(key)] == nil
}

// hold holds the bundle that the Restores of a component wait for.
func (b *bundles) hold(component string, l *limit) {
	if l != nil && b.waits(component) {
		b.waitFor(l)
		b.held[b.root(b.keyOf(component))] = l
	}
}

// pay takes the token of the attempt on a Restore, or holds its bundle.
func (b *bundles) pay(r *Restore) {
	root := b.root(b.keyOf(r.Component))
	switch l := b.takeAhead(r); {
	case l == nil:
		b.paid[root] = true
	case !b.paid[root]:
		b.hold(r.Component, l)
	}
}

// limitOf returns the limit that holds an edit, or nil.
func (b *bundles) limitOf(e rewrite.Edit) *limit {
	keys := b.keysOf(e)
	if len(keys) == 0 {
		return nil
	}
	return b.held[b.root(keys[0])] // all of them have the same root
}

// holdHalves holds what was proven together with a rule that stays stale for now, and by which a Pod can still be bound anywhere. What
// KubeBlocks has yet to create holds nothing: it can wait for the Pods that a rewrite sets free.
func (b *bundles) holdHalves() {
	canRoam := memo(func(of Scope) bool {
		return slices.ContainsFunc(b.Unplaced, func(s Scope) bool { return b.governsScope(of, s) }) ||
			b.awaitsDecision(b.governedBy(of.Component))
	})
	for _, e := range slices.Concat(b.decision.held, b.undecided, b.awaiting) {
		if canRoam(Scope{e.Component, e.Template}) {
			b.holdGroup(e)
		}
	}
}

// holdGroup holds the group in which the rule of an edit that waits was proven.
func (b *bundles) holdGroup(e rewrite.Edit) {
	group, proven := b.Placement.group(e)
	root := b.root(bundleKey{group: 1 + group})
	if !proven || !b.canWait(e) || b.held[root] != nil {
		return
	}
	b.held[root] = &limit{reason: v1alpha1.ReasonWaitingForScheduler, message: halfUndecided}
}
