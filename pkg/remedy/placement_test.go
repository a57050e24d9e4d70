package remedy

import (
	"fmt"
	"testing"
	"time"

	"github.com/rehome-operator/rehome/api/v1alpha1"
)

// A Cluster of 1.5 MB can have as many edits, each refused by itself, and any number of Restores.
func TestManyRefusalsAreDecidedOnce(t *testing.T) {
	o := stuck()
	o.Placement = &Placement{}
	for i := range 20_000 {
		e := edit("mysql")
		e.Path = fmt.Sprintf("/spec/componentSpecs/0/schedulingPolicy/topologySpreadConstraints/%d/labelSelector/matchLabels/app.kubernetes.io~1instance", i)
		o.Live.Edits = append(o.Live.Edits, e)
		o.Placement.Unjudged = append(o.Placement.Unjudged, RefusedRule{Path: e.Path, Reason: "too much"})
	}
	o.Placement.Unjudged = append(o.Placement.Unjudged, RefusedRule{Path: o.Live.Edits[0].Path, Reason: "too much"})
	for range 20 {
		o.Restores = append(o.Restores, o.Restores[0])
	}

	start := time.Now()
	plan := Decide(o)

	if took := time.Since(start); took > 10*time.Second { // half a second on a quiet machine
		t.Errorf("took %v", took)
	} else {
		t.Log(took)
	}
	if reason := plan.Cluster.PolicyRehomed.Reason; len(plan.Actions) > 0 || reason != v1alpha1.ReasonVolumesBound {
		t.Errorf("the plan is %v, because of %s", plan.Actions, reason)
	}
}
