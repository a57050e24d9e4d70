package feasibility

// What one decision may cost. A step takes 10 to 50 nanoseconds.
const (
	maxSteps = 40_000_000
	// maxSearch is what the search of one group may cost.
	maxSearch = 8_000_000
	// maxConstraints is how many constraints of one Pod a proof takes on.
	maxConstraints = 4
	// maxRounds is how often rules are judged anew after some were refused.
	maxRounds = 24
	// maxReconsidered is how many refusals are judged a second time, in the light of the others.
	maxReconsidered = 12
)

// budget bounds the work of a decision.
type budget struct{ left int }

// spend takes steps, and reports whether there were enough.
func (b *budget) spend(steps int) bool {
	b.left -= steps
	return b.left >= 0
}

func (b *budget) spent() bool { return b.left < 0 }
