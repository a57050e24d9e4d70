package conformance

import (
	"fmt"
	"testing"
	"time"
)

// traits classify a case.
type traits struct {
	// edited: the rewrite changes the policy.
	edited bool
	// constrained: the scheduler rejects or scores a node.
	constrained bool
	// needsRewrite: the property fails if the policy is left as it was.
	needsRewrite bool
}

// caseCounts counts the cases of one property by trait.
type caseCounts struct {
	property                                 string
	cases, edited, constrained, needsRewrite int
	took                                     time.Duration
}

// recorded holds the counts of all properties, in the order of their tests.
var recorded []caseCounts

func (c *caseCounts) add(one traits) {
	c.cases++
	c.edited += boolToInt(one.edited)
	c.constrained += boolToInt(one.constrained)
	c.needsRewrite += boolToInt(one.needsRewrite)
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (c caseCounts) String() string {
	return fmt.Sprintf("%s: %d cases in %.1fs; %d with an edit, %d with a node rejected or scored, %d that fail without the rewrite",
		c.property, c.cases, c.took.Seconds(), c.edited, c.constrained, c.needsRewrite)
}

func printCounts() {
	total := 0
	for _, c := range recorded {
		fmt.Println(c)
		total += c.cases
	}
	fmt.Printf("%d cases in all\n", total)
}

// recordCounts records counts for printCounts. It fails the test when too few cases need the rewrite: a property that holds without
// it proves nothing. The threshold is half the usual share, and short runs have none.
func recordCounts(t *testing.T, c caseCounts) {
	recorded = append(recorded, c)
	t.Log(c)
	if c.cases >= 1000 && c.needsRewrite < c.cases/20 {
		t.Errorf("only %d of %d cases need the rewrite", c.needsRewrite, c.cases)
	}
}
