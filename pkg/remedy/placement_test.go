package remedy

import (
	"fmt"
	"runtime"
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
		o.Placement.Unjudged = append(o.Placement.Unjudged, RefusedRule{Path: e.Path, Reason: fmt.Sprint("too much ", i)})
	}
	o.Placement.Unjudged = append(o.Placement.Unjudged, RefusedRule{Path: o.Live.Edits[0].Path, Reason: "too much"})
	for range 1000 {
		o.Restores = append(o.Restores, o.Restores[0])
	}

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	plan := Decide(o)
	took := time.Since(start)
	runtime.ReadMemStats(&after)

	allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
	t.Logf("%v, %d MiB", took, allocated)
	if took > 10*time.Second { // half a second on a quiet machine
		t.Errorf("took %v", took)
	}
	if allocated > 128 {
		t.Errorf("allocated %d MiB", allocated)
	}
	if reason := plan.Cluster.PolicyRehomed.Reason; len(plan.Actions) > 0 || reason != v1alpha1.ReasonVolumesBound {
		t.Errorf("the plan is %v, because of %s", plan.Actions, reason)
	}
}
