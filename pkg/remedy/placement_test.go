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
	for i := range 1000 { // of the shards of one sharding, which have a Component each
		shard := o.Restores[0]
		shard.Object, shard.Owner = object(fmt.Sprint("restore", i)), fmt.Sprint("carrot67-mysql-", i)
		o.Restores = append(o.Restores, shard)
	}

	plan := decideWithin(t, o, 64)

	if reason := plan.Cluster.PolicyRehomed.Reason; len(plan.Actions) > 0 || reason != v1alpha1.ReasonVolumesBound {
		t.Errorf("the plan is %v, because of %s", plan.Actions, reason)
	}
}

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

// With one rule for all Restores, each of those that have no token is compared with what the others have.
func TestManyRestoresThatShareATokenAreDecidedAtOnce(t *testing.T) {
	o := shards(1000)
	everyEdit(&o)
	for i := range maxAttempts {
		o.History = o.History.With(key("Restore", fmt.Sprint("gone", i), uids(fmt.Sprint("gone", i))...), recreateRestore, ago(60))
	}

	plan := decideWithin(t, o, 16)

	if tokens, ahead := int(o.Limits.RemediationBurst/2), len(Attempts(plan.Actions)); ahead != tokens {
		t.Errorf("%d attempts are recorded, of %d tokens", ahead, tokens)
	}
}

// decideWithin decides, with at most so many MiB of garbage.
func decideWithin(t *testing.T, o Observation, limit uint64) Plan {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	plan := Decide(o)
	took := time.Since(start)
	runtime.ReadMemStats(&after)

	allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
	t.Logf("%v, %d MiB", took, allocated)
	if took > 10*time.Second { // a second on a quiet machine
		t.Errorf("took %v", took)
	}
	if allocated > limit {
		t.Errorf("allocated %d MiB", allocated)
	}
	return plan
}
