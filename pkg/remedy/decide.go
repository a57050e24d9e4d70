package remedy

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Decide returns the plan for an observation.
func Decide(o Observation) Plan {
	switch {
	case o.Obstacle != nil:
		return o.blocked()
	case len(o.Inherited) == 0:
		return Plan{Cluster: Verdict{
			Rules: Said{metav1.ConditionTrue, v1alpha1.ReasonNothingInherited, "No scheduling rule that the Cluster inherited names its source."},
			Pods:  Said{metav1.ConditionTrue, v1alpha1.ReasonScheduled, "No Pod waits because of an inherited rule."},
		}}
	}
	d := decision{Observation: o}
	d.cluster()
	for _, r := range o.Restores {
		rules := d.restore(r)
		rules.Message += " " + o.rules()
		d.plan.Verdicts = append(d.plan.Verdicts, Verdict{Restore: r.Object, Rules: rules, Pods: r.scheduled()})
	}
	d.instances()
	d.plan.Cluster = d.whole()
	if o.Mode != configv1alpha1.Enforce {
		d.plan.Actions, d.plan.Again, d.plan.RateLimited = nil, metav1.Duration{}, false
	}
	return d.plan
}

// blocked returns the plan that does nothing and says why.
func (o Observation) blocked() Plan {
	plan := Plan{Again: o.Obstacle.Again}
	for _, r := range o.Restores {
		said := Said{metav1.ConditionUnknown, o.Obstacle.Reason, o.Obstacle.Message}
		plan.Verdicts = append(plan.Verdicts, Verdict{Restore: r.Object, Rules: said, Pods: r.scheduled()})
	}
	plan.Cluster = Verdict{Rules: Said{metav1.ConditionUnknown, o.Obstacle.Reason, o.Obstacle.Message}, Pods: worst(plan.Verdicts, podsOf)}
	return plan
}

// decision is a plan in the making.
type decision struct {
	Observation
	plan Plan
	// due are the edits of the Cluster that are to be made now. held are those that would restart a running database.
	due, held []rewrite.Edit
	// contention is who undid the rewrites of the Cluster; nil while nobody did too often.
	contention *Contention
	// pods is what there is to say of database Pods that wait under stale rules; nil where there is nothing.
	pods *Said
}

// cluster decides on the Cluster itself.
func (d *decision) cluster() {
	d.due, d.held = split(d.Live.Edits, append(d.pinned(), d.Bound...), d.AllowRollingUpdate)
	if len(d.due) == 0 {
		return
	}
	components := componentsOf(d.due)
	d.contention = d.Ledger.contended(d.Generation)
	switch {
	case d.contention != nil:
	case d.Ledger.reverted(components):
		ledger := d.Ledger
		ledger.Contention = &Contention{Generation: d.Generation}
		d.contention = ledger.Contention
		d.act(Yield{Cluster: d.Cluster, Ledger: ledger})
	default:
		d.act(PatchCluster{Cluster: d.Cluster, Edits: d.due, Ledger: d.Ledger.rewritten(components), Rules: d.rules()})
	}
}

// pinned lists the components whose volumes share a node that they cannot leave: new rules would keep the database from it.
func (d *decision) pinned() []Scope {
	var scopes []Scope
	for _, r := range d.Restores {
		if r.SharesNode() && r.Tied != "" {
			scopes = append(scopes, Scope{Component: r.Component})
		}
	}
	return scopes
}

// act adds an action to the plan.
func (d *decision) act(a Action) { d.plan.Actions = append(d.plan.Actions, a) }

// try adds an action that makes something anew, unless a limit stands against it: then it returns that. With an action goes
// the charge, except where an earlier pass has counted it.
func (d *decision) try(c Charge, action func(*Charge) Action) *limit {
	if d.Ledger.underway(c) {
		d.act(action(nil))
		return nil
	}
	if against := d.check(c); against != nil {
		d.again(against.wait)
		d.plan.RateLimited = d.plan.RateLimited || against.reason == v1alpha1.ReasonRateLimited
		return against
	}
	d.act(action(&c))
	return nil
}

// again has the Cluster looked at after wait, unless that is zero.
func (d *decision) again(wait metav1.Duration) {
	if wait.Duration > 0 && (d.plan.Again.Duration == 0 || wait.Duration < d.plan.Again.Duration) {
		d.plan.Again = wait
	}
}

// split separates the edits that are due from those that are held back, because a database Pod that the rule governs is
// bound to a node: the edit would restart it.
func split(edits []rewrite.Edit, bound []Scope, consent bool) (due, held []rewrite.Edit) {
	for _, edit := range edits {
		if !consent && slices.ContainsFunc(bound, func(s Scope) bool { return s.governedBy(edit) }) {
			held = append(held, edit)
		} else {
			due = append(due, edit)
		}
	}
	return due, held
}

// governedBy reports whether the edit is of a rule that governs Pods of the scope.
func (s Scope) governedBy(e rewrite.Edit) bool {
	const all = ""
	return e.Component == all || e.Component == s.Component && (e.Template == all || e.Template == s.Template)
}

// componentsOf lists the components that edits govern.
func componentsOf(edits []rewrite.Edit) []string {
	var names []string
	for _, edit := range edits {
		if !slices.Contains(names, edit.Component) {
			names = append(names, edit.Component)
		}
	}
	return names
}

// governs reports whether one of the edits is of a rule that governs the component.
func governs(edits []rewrite.Edit, component string) bool {
	return slices.ContainsFunc(edits, func(e rewrite.Edit) bool {
		return e.Component == "" || e.Component == component || component == anyComponent
	})
}

// instances decides on the database Pods that wait under stale rules. Those that KubeBlocks replaces are left to it.
func (d *decision) instances() {
	if len(d.due) > 0 {
		return
	}
	for _, pod := range d.Instances {
		if pod.TemplateStale || pod.Kept == "" || pod.NodeSelected {
			continue
		}
		charge := chargeFor("Pod", pod.Object)
		against := d.try(charge, func(c *Charge) Action { return RecreatePod{Pod: pod.Object, Charge: c} })
		d.sayOfPod(pod, against)
	}
}

// sayOfPod has the Cluster and its Restores speak of a database Pod, because no Restore is the Pod's own.
func (d *decision) sayOfPod(pod Instance, against *limit) {
	said := d.acting(v1alpha1.ReasonRecreatingPods, "Database Pod %s waits for a node under rules that name the source cluster, and "+
		"KubeBlocks does not replace it (%s): it is made anew.", pod.Name, pod.Kept)
	if against != nil {
		said = no(against.reason, "%s", against.message)
	}
	d.pods = said
	for i := range d.plan.Verdicts {
		rules := &d.plan.Verdicts[i].Rules
		if rules.Reason == v1alpha1.ReasonRehomed || rules.Reason == v1alpha1.ReasonRestoreFinished {
			*rules = Said{said.Status, said.Reason, said.Message + " " + d.rules()}
		}
	}
}
