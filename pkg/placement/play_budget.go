package placement

import "errors"

// The numbers of decisions about a Pod and a node. A snapshot of a few lines can want a thousand Pods.
const (
	// maxPlayedWork is how many are made to say whether a restore fits, and maxTriedWork how many to say how many nodes more would do.
	maxPlayedWork = 100_000_000
	maxTriedWork  = 20_000_000
	// maxExplained is how many Pods of a stage that wait have their reasons.
	maxExplained = 20
)

// errTooMuch ends a play that needs too many decisions.
var errTooMuch = errors.New(problemTooMuch)

// budget is what is left of a number of decisions. All plays of a question share it.
type budget struct{ left int }

// spend takes decisions from the budget, and fails once it is empty.
func (b *budget) spend(decisions int) error {
	if b == nil {
		return nil
	}
	if b.left -= decisions; b.left < 0 {
		return errTooMuch
	}
	return nil
}
