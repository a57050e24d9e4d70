package remedy

import (
	"slices"
	"strings"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// await separates the edits that are due from those that wait. Pods that are bound by the stale rules after the rewrite can tie volumes to
// one place, and the rewritten rules then leave a database Pod no node. So a rule is rewritten when no Pod is left to follow it, or when
// the scheduler found no node for one.
func (d *decision) await(edits []rewrite.Edit) (due, awaiting []rewrite.Edit) {
	waits := memo(func(component string) bool { return d.awaited(d.governedBy(component)) != "" })
	for _, edit := range edits {
		if d.canWait(edit) && waits(edit.Component) {
			awaiting = append(awaiting, edit)
		} else {
			due = append(due, edit)
		}
	}
	return due, awaiting
}

// canWait reports whether the rule of an edit can leave a Pod no node. A preferred one cannot. With the consent to preferred rules, an edit
// of a preferred rule can be half of a move from the required ones, and both halves need one write.
func (d *decision) canWait(e rewrite.Edit) bool {
	return d.AllowPreferredRules || !strings.Contains(e.Path, "/preferredDuringScheduling")
}

// governedBy is governs for the rules of one component.
func (o *Observation) governedBy(of string) func(component string) bool {
	return func(component string) bool { return o.governs(of, component) }
}

// awaited says what can still be bound by the stale rules of components; it is empty where nothing can. What KubeBlocks has yet to
// create is not awaited beside a Pod without a node: KubeBlocks can wait for that Pod.
func (d *decision) awaited(governed func(component string) bool) string {
	stuck := slices.ContainsFunc(d.Unschedulable, governed)
	for _, a := range d.Awaited {
		if governed(a.Component) && (a.Exists || !stuck) {
			return a.Text
		}
	}
	return ""
}

// awaitsDecision reports whether the scheduler has yet to decide on a Pod of a component.
func (d *decision) awaitsDecision(governed func(component string) bool) bool {
	return slices.ContainsFunc(d.Awaited, func(a Awaited) bool { return a.Exists && governed(a.Component) })
}

// governedByAny returns whether a component is governed by one of the edits that wait.
func (d *decision) governedByAny(edits func(rewrite.Edit) bool) func(component string) bool {
	of := map[string]bool{}
	for _, e := range d.awaiting {
		if edits(e) {
			of[e.Component] = true
		}
	}
	return func(component string) bool { return of[component] || of[""] && !d.Overriding[component] }
}
