package remedy

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Decide returns the plan for an observation. A replacement of rules that was begun is finished first, whatever stops the rest.
func Decide(o Observation) Plan { return o.reportUnread(decide(o)) }

func decide(o Observation) Plan {
	d := decision{
		Observation: o, plan: Plan{Restores: map[types.UID]RestoreReport{}},
		waiting: map[string]*metav1.Condition{}, kept: newKept(o.Live), rules: o.rules(),
	}
	unfinished := Unfinished(o)
	switch {
	case o.Obstacle != nil:
		d.plan.RequeueAfter = o.Obstacle.RequeueAfter
		d.reportAll(o.Obstacle.condition())
	case !o.Concerns(o.Restores):
		d.plan.NothingInherited = true
		d.reportAll(conditionTrue(v1alpha1.ReasonNothingInherited, nothingInherited))
	default:
		d.decide()
		if o.Mode != configv1alpha1.Enforce {
			d.plan.Actions, d.plan.RequeueAfter, d.plan.RateLimited = nil, metav1.Duration{}, false
		}
	}
	d.plan.Actions = append(unfinished, d.plan.Actions...)
	return d.plan
}

// Unfinished returns the next step of each replacement of a Restore's rules that was begun and has left the Restore without
// rules: KubeBlocks would create Pods from it that can run anywhere. Only the Restores of the observation count.
func Unfinished(o Observation) []Action {
	var actions []Action
	for _, r := range o.Restores {
		switch {
		case o.ClusterOnly || r.Deleting || r.Refused != "":
		case r.Replacement == ReplacementRemoved:
			actions = append(actions, AddSchedulingSpec{Restore: r.Object})
		case r.Replacement == ReplacementEmptied:
			actions = append(actions, RemoveSchedulingSpec{Restore: r.Object})
		}
	}
	return actions
}

// decide decides where the source is known and rules were inherited.
func (d *decision) decide() {
	d.cluster()
	for _, r := range d.Restores {
		d.reportRestore(r, RestoreConditions{withRules(d.restore(r), d.rules), d.podsScheduled(r)})
	}
	d.instances()
	slices.SortStableFunc(d.plan.Actions, clusterWritesFirst)
	d.plan.Cluster = d.summary()
}

// clusterWritesFirst orders actions: what is recorded in the Cluster can be gone after the others.
func clusterWritesFirst(a, b Action) int {
	switch {
	case writesCluster(a) == writesCluster(b):
		return 0
	case writesCluster(a):
		return -1
	default:
		return 1
	}
}

// reportAll reports on a Cluster that is not changed: the condition PolicyRehomed is the same for all of it.
func (d *decision) reportAll(policy metav1.Condition) {
	for _, r := range d.Restores {
		c := policy
		if without := d.withoutRules(r); without != nil {
			c = *without
		}
		d.reportRestore(r, RestoreConditions{c, d.podsScheduled(r)})
	}
	d.plan.Cluster = RestoreConditions{policy, d.clusterPods()}
}

// decision is a plan in the making.
type decision struct {
	Observation
	plan Plan
	// due are the edits of the Cluster that are made now. held are those that would restart a running database, undecided those
	// that can do so soon, awaiting those for which more Pods must be decided on, and refused those that could leave it no node.
	due, held, undecided, awaiting, refused []rewrite.Edit
	refusedPaths                            refusedPaths
	// reasons are why edits are refused, by component.
	reasons map[string][]string
	// waiting is what must happen to the Cluster's rules first, by the component whose Restores wait for it.
	waiting map[string]*metav1.Condition
	// kept and rules are what all reports say of the Cluster's rules.
	kept  kept
	rules string
	// limited are the edits that a limit of the attempts holds. ahead are the attempts that are recorded with those that are due.
	limited []limitedEdit
	ahead   []Attempt
	// contention is who reverted the rewrites of the Cluster; nil while no writer did too often.
	contention *Contention
	// noToken is set once the plan has used all tokens.
	noToken *limit
	// pods is the condition PolicyRehomed because of a database Pod that is Pending under stale rules; nil where there is none.
	pods *metav1.Condition
}

// reportRestore adds the report on a Restore to the plan.
func (d *decision) reportRestore(r Restore, c RestoreConditions) {
	made := len(d.History.of(restoreKey(r)))
	d.plan.Restores[r.UID] = RestoreReport{
		RestoreConditions: c,
		AttemptsLeft:      max(0, d.Limits.AttemptsPerRestore-int32(made)),
		Unblocked:         made > 0 && len(r.pending()) == 0 && c.PolicyRehomed.Reason == v1alpha1.ReasonRehomed,
	}
}

// cluster decides on the Cluster itself.
func (d *decision) cluster() {
	d.refusedPaths = newRefusedPaths(d.Placement.refused())
	d.due, d.refused = admitted(d.Live.Edits, d.refusedPaths)
	d.prefer()
	d.reasons = d.refusedReasons()
	d.due, d.held = d.split(d.due, d.Bound, d.AllowRollingUpdate)
	d.due, d.undecided = d.split(d.due, d.Undecided, d.AllowRollingUpdate)
	d.due, d.awaiting = d.await(d.due)
	d.contention = d.History.contended(d.Generation)
	if d.contention == nil && !d.History.reverted(d.due) {
		d.due, d.limited = d.afford(d.due)
	}
	if len(d.due) == 0 {
		return
	}
	switch {
	case d.contention != nil:
	case d.History.reverted(d.due):
		history := d.History
		history.Contention = &Contention{Generation: d.Generation, Manager: d.LastWriter}
		d.contention = history.Contention
		d.act(MarkContended{Cluster: d.Cluster, History: history})
	default:
		d.act(PatchCluster{Cluster: d.Cluster, Edits: d.due, History: d.History.rewritten(d.due).withAll(d.ahead), Ahead: keysOf(d.ahead)})
	}
}

// act adds an action to the plan.
func (d *decision) act(a Action) { d.plan.Actions = append(d.plan.Actions, a) }

// try adds an action that re-creates something, unless a limit forbids it: then it returns the limit. The action counts as an
// attempt and takes a token from those after it, unless an earlier reconcile recorded that attempt.
func (d *decision) try(key attempts.Key, action func(counted) Action) *limit {
	if d.History.underway(key) {
		d.act(action(counted{}))
		return nil
	}
	if limit := d.limit(key); limit != nil {
		d.waitFor(limit)
		return limit
	}
	d.act(action(counted{&key}))
	d.takeToken()
	return nil
}

// waitFor has the plan wait for a limit.
func (d *decision) waitFor(l *limit) {
	d.requeueAfter(l.wait)
	d.plan.RateLimited = d.plan.RateLimited || l.reason == v1alpha1.ReasonRateLimited
}

// takeToken takes a token from the actions that follow in the plan.
func (d *decision) takeToken() {
	if d.Mode == configv1alpha1.Enforce {
		d.Recent = d.Recent.With(d.Now)
	}
}

// requeueAfter has the Cluster reconciled again after wait, unless that is zero.
func (d *decision) requeueAfter(wait metav1.Duration) {
	if wait.Duration > 0 && (d.plan.RequeueAfter.Duration == 0 || wait.Duration < d.plan.RequeueAfter.Duration) {
		d.plan.RequeueAfter = wait
	}
}

// split separates the edits that are due from those that are held, because a database Pod that the rule governs is bound to a
// node: the edit would restart it.
func (o *Observation) split(edits []rewrite.Edit, bound []Scope, consent bool) (due, held []rewrite.Edit) {
	restarts := memo(func(of Scope) bool {
		return slices.ContainsFunc(bound, func(s Scope) bool { return o.governsScope(of, s) })
	})
	for _, edit := range edits {
		if !consent && restarts(Scope{edit.Component, edit.Template}) {
			held = append(held, edit)
		} else {
			due = append(due, edit)
		}
	}
	return due, held
}

// memo returns f, which is called once for each argument: thousands of edits can be of the rules of one component.
func memo[Key comparable, Value any](f func(Key) Value) func(Key) Value {
	known := map[Key]Value{}
	return func(k Key) Value {
		v, ok := known[k]
		if !ok {
			v = f(k)
			known[k] = v
		}
		return v
	}
}

// governs reports whether rules of a component, or of the whole Cluster if its name is empty, govern another component.
func (o *Observation) governs(of, component string) bool {
	return of == component || of == "" && !o.Overriding[component]
}

// governsScope reports whether the rules of a part govern Pods of another.
func (o *Observation) governsScope(of, s Scope) bool {
	return o.governs(of.Component, s.Component) && (of.Template == "" || of.Template == s.Template)
}

// GovernAny reports whether a rule that one of the edits is of governs Pods of one of the scopes.
func (o *Observation) GovernAny(scopes []Scope, edits []rewrite.Edit) bool {
	_, held := o.split(edits, scopes, false)
	return len(held) > 0
}

// governing returns whether an edit is of a rule that governs the component.
func (o *Observation) governing(component string) func(rewrite.Edit) bool {
	return func(e rewrite.Edit) bool { return o.governs(e.Component, component) }
}

// IsStale reports whether a stale rule of the Cluster governs a component.
func (o *Observation) IsStale(component string) bool {
	return slices.ContainsFunc(o.Live.Edits, o.governing(component))
}

// anyEdit is governing for any component.
func anyEdit(rewrite.Edit) bool { return true }
