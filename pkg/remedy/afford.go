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
			if !d.followsRewrite(r) || !slices.ContainsFunc(due, d.awaitedBy(r.Component)) {
				continue
			}
			limit := limitOf(r)
			if limit == nil {
				continue
			}
			held, rest := d.together(due, d.awaitedBy(r.Component))
			if limit.reason == v1alpha1.ReasonRateLimited && slices.ContainsFunc(held, d.hasToken) {
				continue
			}
			d.waitFor(limit)
			for _, edit := range held {
				limited = append(limited, limitedEdit{edit, limit})
			}
			due = rest
		}
	}
	return due, limited
}

// awaitedBy returns whether an edit must wait for the limits of the Restores of a component.
func (d *decision) awaitedBy(component string) func(rewrite.Edit) bool {
	return func(e rewrite.Edit) bool { return d.canWait(e) && governing(component)(e) }
}

// together separates the edits that stay, and all that must stay with them, from the rest. A proof is about all rules of a group: while one
// stays stale, it says nothing of the others. And the Restores of a component wait for all rules that govern it.
func (d *decision) together(edits []rewrite.Edit, stays func(rewrite.Edit) bool) (held, rest []rewrite.Edit) {
	groups, components := map[int]bool{}, map[string]bool{}
	staysToo := func(e rewrite.Edit) bool {
		group, proven := d.Placement.group(e)
		return stays(e) || d.canWait(e) && (proven && groups[group] || components[e.Component])
	}
	for before := -1; before < len(held); {
		before = len(held)
		held, rest = nil, nil
		for _, edit := range edits {
			if !staysToo(edit) {
				rest = append(rest, edit)
				continue
			}
			held = append(held, edit)
			if group, proven := d.Placement.group(edit); proven {
				groups[group] = true
			}
		}
		d.addWaiting(components, held)
	}
	return held, rest
}

// addWaiting adds the components whose Restores wait for one of the edits.
func (d *decision) addWaiting(components map[string]bool, edits []rewrite.Edit) {
	stale := map[string]bool{}
	for _, edit := range edits {
		stale[edit.Component] = true
	}
	for _, r := range d.Restores {
		if (stale[""] || stale[r.Component]) && d.followsRewrite(r) {
			components[r.Component] = true
		}
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

// hasToken reports whether a token was taken for an edit. One is enough for the Restores that wait for it, because they can need more than
// there ever are: the others follow.
func (d *decision) hasToken(e rewrite.Edit) bool {
	return slices.ContainsFunc(d.ahead, func(a aheadAttempt) bool { return d.awaitedBy(a.component)(e) })
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
