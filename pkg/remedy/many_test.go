package remedy

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/rehome-operator/rehome/api/v1alpha1"
)

// A Cluster of 1.5 MB can have as many edits and 256 components, each with Restores and Pods of its shards. Each edit is refused, or waits, by itself.
func TestManyRulesAreDecidedOnce(t *testing.T) {
	const mysql, cluster = "mysql", ""
	refused := func(o *Observation) {
		o.Placement = &Placement{}
		for i, e := range o.Live.Edits {
			o.Placement.Unjudged = append(o.Placement.Unjudged, RefusedRule{Path: e.Path, Reason: fmt.Sprint("too much ", i)})
		}
		o.Placement.Unjudged = append(o.Placement.Unjudged, RefusedRule{Path: o.Live.Edits[0].Path, Reason: "too much"})
	}
	bound := func(o *Observation) {
		for _, r := range o.Restores {
			o.Bound = append(o.Bound, Scope{Component: r.Component})
		}
	}
	undecided := func(o *Observation) {
		bound(o)
		o.Bound, o.Undecided = nil, o.Bound
	}
	awaited := func(o *Observation) {
		for _, r := range o.Restores {
			o.Awaited = append(o.Awaited, Awaited{Component: r.Component, Exists: true, Text: "a Pod"})
		}
	}
	for name, c := range map[string]struct {
		of         string
		components int
		wait       func(o *Observation)
		want       string
	}{
		"refused, of a component":                      {mysql, 1, refused, v1alpha1.ReasonVolumesBound},
		"refused, of the Cluster, for a component":     {cluster, 1, refused, v1alpha1.ReasonVolumesBound},
		"refused, of the Cluster, for many components": {cluster, 256, refused, v1alpha1.ReasonVolumesBound},
		"bound, of the Cluster":                        {cluster, 256, bound, v1alpha1.ReasonClusterStarted},
		"undecided, of the Cluster":                    {cluster, 256, undecided, v1alpha1.ReasonWaitingForScheduler},
		"awaited, of the Cluster":                      {cluster, 256, awaited, v1alpha1.ReasonWaitingForScheduler},
	} {
		t.Run(name, func(t *testing.T) {
			o := stuck()
			o.Live.Edits = nil
			for i := range 20_000 {
				e := edit(c.of)
				e.Path = fmt.Sprintf("/spec/componentSpecs/0/schedulingPolicy/topologySpreadConstraints/%d/labelSelector/matchLabels/app.kubernetes.io~1instance", i)
				o.Live.Edits = append(o.Live.Edits, e)
			}
			restore := o.Restores[0]
			o.Restores = nil
			for i := range 1000 {
				restore.Object, restore.Owner = object(fmt.Sprint("restore", i)), fmt.Sprint("carrot67-mysql-", i)
				if c.components > 1 {
					restore.Component = fmt.Sprint(mysql, i%c.components)
				}
				o.Restores = append(o.Restores, restore)
			}
			c.wait(&o)

			plan := decideWithin(t, o, 64)

			if reason := plan.Cluster.PolicyRehomed.Reason; len(plan.Actions) > 0 || reason != c.want {
				t.Errorf("the plan is %v, because of %s", plan.Actions, reason)
			}
		})
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
