package remedy

import "testing"

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
