package remedy

import (
	"testing"

	"github.com/rehome-operator/rehome/api/v1alpha1"
)

// The controllers charge the budget of a Namespace for each proof, by its steps.
func TestAProofIsMadeAndCountedOnce(t *testing.T) {
	o := stuck()
	volumesOn("n3", "n3")(&o)
	before := o.Placement.Steps()
	Decide(o)
	once := o.Placement.Steps()
	Decide(o)

	if again := o.Placement.Steps(); before != 0 || once == 0 || again != once {
		t.Errorf("it has cost %d steps before a decision, %d after one, and %d after two", before, once, again)
	}
}

func TestRefusalSaysEachReasonOnce(t *testing.T) {
	o := stuck()
	o.Overriding = map[string]bool{"proxy": true}
	o.Placement = &Placement{}
	refuse := func(component string, reasons ...string) {
		e := edit(component)
		e.Path += "/" + component
		o.Live.Edits = append(o.Live.Edits, e)
		for _, reason := range reasons {
			o.Placement.Unjudged = append(o.Placement.Unjudged, RefusedRule{Path: e.Path, Reason: reason})
		}
	}
	refuse("mysql", "a", "b")
	refuse("proxy", "a")
	refuse("", "a", "c")
	d := decision{Observation: o}
	d.cluster()

	for component, want := range map[string]string{"mysql": "a; c; b", "proxy": "a", "other": "a; c", "": "a; c"} {
		if got := d.refusal(component); got != want {
			t.Errorf("the refusal of %q is %q, want %q", component, got, want)
		}
	}
	if got, want := d.anyRefusal(), "a; b; c"; got != want {
		t.Errorf("all refusals are %q, want %q", got, want)
	}
}

func TestARuleIsRefusedBecauseOfThePodsThatRun(t *testing.T) {
	o := stuck()
	volumesOn("n3", "n3")(&o)
	both := o.Placement.World
	volumesOn("n4", "n3")(&o)
	if refused := o.Placement.refused(); len(refused) > 0 {
		t.Fatalf("%v is refused", refused)
	}
	o.Placement = &Placement{World: o.Placement.World, Running: both}

	if plan := Decide(o); len(plan.Actions) > 0 || plan.Cluster.PolicyRehomed.Reason != v1alpha1.ReasonVolumesBound {
		t.Errorf("the plan is %v, because of %s", plan.Actions, plan.Cluster.PolicyRehomed.Reason)
	}
}
