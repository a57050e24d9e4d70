package remedy

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// limitedEdit is an edit that a limit holds.
type limitedEdit struct {
	rewrite.Edit
	limit *limit
}

// afford separates the edits that are due from those that a limit holds. After a rewrite, the Restores with stale rules must be remediated
// at once: while their Pods wait, a node that becomes free can take several, and the rewritten rules then leave a database Pod no node. So
// nothing that governs them is rewritten while another rule of theirs stays, and the attempts that follow are recorded with the rewrite.
func (d *decision) afford(edits []rewrite.Edit) (due []rewrite.Edit, limited []limitedEdit) {
	following := slices.DeleteFunc(slices.Clone(d.Restores), func(r Restore) bool { return !d.followsRewrite(r) })
	// An attempt that was recorded with an earlier rewrite needs no token.
	paying := slices.DeleteFunc(slices.Clone(following), func(r Restore) bool { return d.History.underway(r.nextKey()) })
	b := d.bundle(edits, following)
	b.holdHalves()
	asked := map[string]bool{}
	for i := range following {
		if component := following[i].Component; !asked[component] {
			asked[component] = true
			b.hold(component, d.blocker(component))
		}
	}
	for i := range paying {
		if r := &paying[i]; b.waits(r.Component) {
			b.hold(r.Component, d.lastingLimit(r))
		}
	}
	for i := range paying {
		if r := &paying[i]; b.waits(r.Component) {
			b.pay(r)
		}
	}
	for _, edit := range edits {
		if limit := b.limitOf(edit); limit != nil {
			limited = append(limited, limitedEdit{edit, limit})
		} else {
			due = append(due, edit)
		}
	}
	return due, limited
}

// blocker says why a rule that governs a component stays stale for now, or for good, or returns nil.
func (d *decision) blocker(component string) *limit {
	condition := d.staysStale(d.refusal(component), d.governing(component))
	if condition == nil {
		return nil
	}
	return &limit{reason: condition.Reason, message: condition.Message}
}

// followsRewrite reports whether a Restore has stale rules and Jobs that never started, so that an attempt must follow the rewrite.
func (d *decision) followsRewrite(r Restore) bool {
	ended := r.Finished || r.Failed || r.Deleting
	replaced := r.Replacement != ReplacementNone || r.Refused != "" || r.NoDomain != ""
	return !d.ClusterOnly && !ended && !replaced && len(r.Stale) > 0 && len(r.neverStarted()) > 0
}

// nextKey is the key of the next attempt on a Restore with stale rules.
func (r Restore) nextKey() attempts.Key {
	if r.Started == "" && len(r.KeepOff) == 0 {
		return restoreKey(r)
	}
	return keyOf(KindRestore, r.Object, r.neverStarted()...)
}

// lastingLimit returns the limit that forbids the next attempt on a Restore, unless only tokens lack.
func (d *decision) lastingLimit(r *Restore) *limit {
	if limit := d.limit(r.nextKey()); limit != nil && limit.reason != v1alpha1.ReasonRateLimited {
		return limit
	}
	return nil
}

// takeAhead takes the token of the attempt on a Restore. The attempt counts for the Restore and for its Jobs, because one of them can start
// in the meantime.
func (d *decision) takeAhead(r *Restore) *limit {
	if limit := d.rateLimited(); limit != nil {
		return limit
	}
	action := recreateRestore
	if key := r.nextKey(); !slices.Equal(key.UIDs, []types.UID{r.UID}) {
		action = replaceSchedulingSpec
	}
	key := keyOf(KindRestore, r.Object, append([]types.UID{r.UID}, r.neverStarted()...)...)
	d.ahead = append(d.ahead, Attempt{Key: key, Action: action, Time: d.Now})
	d.takeToken()
	return nil
}

// keysOf lists the keys of attempts.
func keysOf(ahead []Attempt) []attempts.Key {
	keys := make([]attempts.Key, 0, len(ahead))
	for _, a := range ahead {
		keys = append(keys, a.Key)
	}
	return keys
}
