package conformance

import (
	"fmt"
	"testing"
	"time"
)

// traits says what kind of case one was.
type traits struct {
	// edited cases have a policy that the rewrite changes.
	edited bool
	// decided cases have a node that the scheduler refuses or scores.
	decided bool
	// telling cases would come out otherwise were the policy left as it was.
	telling bool
}

// tally counts the cases of one statement.
type tally struct {
	statement                       string
	cases, edited, decided, telling int
	took                            time.Duration
}

// tallies are those of the statements that were checked, in order.
var tallies []tally

func (c *tally) add(one traits) {
	c.cases++
	c.edited += count(one.edited)
	c.decided += count(one.decided)
	c.telling += count(one.telling)
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (c tally) String() string {
	return fmt.Sprintf("%s: %d cases in %.1fs; %d with an edit, %d with a node refused or scored, %d that fail without the rewrite",
		c.statement, c.cases, c.took.Seconds(), c.edited, c.decided, c.telling)
}

func printTallies() {
	total := 0
	for _, c := range tallies {
		fmt.Println(c)
		total += c.cases
	}
	fmt.Printf("%d cases in all\n", total)
}

// report keeps a tally for the end. It fails the test where the cases said too little: a statement that holds without the
// rewrite as well is no proof of it. Half as many telling cases as there usually are are enough, and a few cases prove nothing.
func report(t *testing.T, c tally) {
	tallies = append(tallies, c)
	t.Log(c)
	if c.cases >= 1000 && c.telling < c.cases/20 {
		t.Errorf("only %d of %d cases would notice that nothing was rewritten", c.telling, c.cases)
	}
}
