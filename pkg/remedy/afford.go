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
// their attempts are recorded with the rewrite, and no limit holds these any more.
func (d *decision) afford(edits []rewrite.Edit) (due []rewrite.Edit, limited []limitedEdit) {
	due = edits
	for _, limitOf := range []func(Restore) *limit{d.lastingLimit, d.takeAhead} {
		for _, r := range d.Restores {
			needs := func(e rewrite.Edit) bool { return d.canWait(e) && governing(r.Component)(e) }
			if !d.followsRewrite(r) || !slices.ContainsFunc(due, needs) {
				continue
			}
			limit := limitOf(r)
			if limit == nil || limit.reason == v1alpha1.ReasonRateLimited && slices.ContainsFunc(due, d.sharesToken(needs)) {
				continue
			}
			d.waitFor(limit)
			for _, edit := range due {
				if needs(edit) {
					limited = append(limited, limitedEdit{edit, limit})
				}
			}
			due = slices.DeleteFunc(slices.Clone(due), needs)
		}
	}
	return due, limited
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
	d.ahead = append(d.ahead, Attempt{Key: key, Action: action, Time: d.Now})
	d.aheadOf = append(d.aheadOf, r.Component)
	d.takeToken()
	return nil
}

// sharesToken returns whether a token was taken for an edit. One is enough for the Restores that one rule governs, because they can need
// more than there ever are: the others follow.
func (d *decision) sharesToken(needs func(rewrite.Edit) bool) func(rewrite.Edit) bool {
	return func(e rewrite.Edit) bool {
		return needs(e) && slices.ContainsFunc(d.aheadOf, func(component string) bool { return governing(component)(e) })
	}
}

// keysOf lists the keys of attempts.
func keysOf(list []Attempt) []attempts.Key {
	keys := make([]attempts.Key, 0, len(list))
	for _, a := range list {
		keys = append(keys, a.Key)
	}
	return keys
}
