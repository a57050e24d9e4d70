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

// aheadAttempt is an attempt that is recorded with a rewrite.
type aheadAttempt struct {
	Attempt
	component string
}

// afford separates the edits that are due from those that a limit holds. After a rewrite, the Restores with stale rules must be remediated
// at once: while their Pods wait, a node that becomes free can take several, and the rewritten rules then leave a database Pod no node. So
// their attempts are recorded with the rewrite, and no limit holds these any more.
func (d *decision) afford(edits []rewrite.Edit) (due []rewrite.Edit, limited []limitedEdit) {
	due = edits
	for _, limitOf := range []func(Restore) *limit{d.lastingLimit, d.takeAhead} {
		for _, r := range d.Restores {
			governs := d.awaitedBy(r.Component)
			if !d.followsRewrite(r) || !slices.ContainsFunc(due, governs) {
				continue
			}
			limit := limitOf(r)
			if limit == nil || limit.reason == v1alpha1.ReasonRateLimited && slices.ContainsFunc(due, d.sharesToken(governs)) {
				continue
			}
			d.waitFor(limit)
			held := d.provenWith(due, governs)
			for _, edit := range due {
				if held(edit) {
					limited = append(limited, limitedEdit{edit, limit})
				}
			}
			due = slices.DeleteFunc(slices.Clone(due), held)
		}
	}
	d.ahead = slices.DeleteFunc(d.ahead, func(a aheadAttempt) bool { return !slices.ContainsFunc(due, d.awaitedBy(a.component)) })
	return due, limited
}

// awaitedBy returns whether an edit must wait for the limits of the Restores of a component.
func (d *decision) awaitedBy(component string) func(rewrite.Edit) bool {
	return func(e rewrite.Edit) bool { return d.canWait(e) && governing(component)(e) }
}

// provenWith returns whether an edit must stay because one of these does. A proof is about all rules of a group: while one stays stale, it
// says nothing of the others.
func (d *decision) provenWith(edits []rewrite.Edit, stays func(rewrite.Edit) bool) func(rewrite.Edit) bool {
	groups := map[int]bool{}
	for _, edit := range edits {
		if group, ok := d.Placement.group(edit); ok && stays(edit) {
			groups[group] = true
		}
	}
	return func(e rewrite.Edit) bool {
		group, ok := d.Placement.group(e)
		return stays(e) || ok && groups[group] && d.canWait(e)
	}
}

// followsRewrite reports whether a Restore has stale rules and Jobs that never started, so that an attempt must follow the rewrite.
func (d *decision) followsRewrite(r Restore) bool {
	ended := r.Finished || r.Failed || r.Deleting
	replaced := r.Replacement != ReplacementNone || r.Refused != "" || r.NoDomain != ""
	return !d.ClusterOnly && !ended && !replaced && len(r.Stale) > 0 && len(r.neverStarted()) > 0 && !d.History.underway(r.nextKey())
}

// nextKey is the key of the next attempt on a Restore with stale rules.
func (r Restore) nextKey() attempts.Key {
	if r.Started == "" && len(r.KeepOff) == 0 {
		return restoreKey(r)
	}
	return keyOf(KindRestore, r.Object, r.neverStarted()...)
}

// lastingLimit returns the limit that forbids the next attempt on a Restore, unless only tokens lack.
func (d *decision) lastingLimit(r Restore) *limit {
	if limit := d.limit(r.nextKey()); limit != nil && limit.reason != v1alpha1.ReasonRateLimited {
		return limit
	}
	return nil
}

// takeAhead takes the token of the attempt on a Restore. The attempt counts for the Restore and for its Jobs, because one of them can start
// in the meantime.
func (d *decision) takeAhead(r Restore) *limit {
	if limit := d.rateLimited(); limit != nil {
		return limit
	}
	action := recreateRestore
	if key := r.nextKey(); !slices.Equal(key.UIDs, []types.UID{r.UID}) {
		action = replaceSchedulingSpec
	}
	key := keyOf(KindRestore, r.Object, append([]types.UID{r.UID}, r.neverStarted()...)...)
	d.ahead = append(d.ahead, aheadAttempt{Attempt{Key: key, Action: action, Time: d.Now}, r.Component})
	d.takeToken()
	return nil
}

// sharesToken returns whether a token was taken for an edit. One is enough for the Restores that one rule governs, because they can need
// more than there ever are: the others follow.
func (d *decision) sharesToken(governs func(rewrite.Edit) bool) func(rewrite.Edit) bool {
	return func(e rewrite.Edit) bool {
		return governs(e) && slices.ContainsFunc(d.ahead, func(a aheadAttempt) bool { return governing(a.component)(e) })
	}
}

func attemptsOf(ahead []aheadAttempt) []Attempt {
	list := make([]Attempt, 0, len(ahead))
	for _, a := range ahead {
		list = append(list, a.Attempt)
	}
	return list
}

// keysOf lists the keys of attempts.
func keysOf(ahead []aheadAttempt) []attempts.Key {
	keys := make([]attempts.Key, 0, len(ahead))
	for _, a := range ahead {
		keys = append(keys, a.Key)
	}
	return keys
}
