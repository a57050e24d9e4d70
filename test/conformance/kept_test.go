package conformance

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Where the laws cannot be satisfied there is no edit, there is a finding.
func TestRuleWithoutALawfulRewriteIsKeptAndReported(t *testing.T) {
	c := tally{statement: "a rule without a lawful rewrite is kept and reported"}
	start := time.Now()
	rapid.Check(t, func(t *rapid.T) {
		// Under the source's own name nothing is changed but namespaces, so that what cannot be satisfied has nothing to keep.
		r := restores.Filter(func(r restore) bool { return !r.keepsName() }).Draw(t, "restore")
		a := author{restore: r, hopeless: true}
		var p policy
		p.add(a.rule(t))

		result := p.rewriteFor(r.asKnown())

		c.cases++
		if len(result.Edits) > 0 || len(result.Findings) == 0 {
			t.Logf("to %+v\n%s", r.asKnown(), document(member{component: "mysql"}.pod(source, p)))
			t.Fatalf("edits: %v, findings: %v", result.Edits, result.Findings)
		}
	})
	c.took = time.Since(start)
	tallies = append(tallies, c)
	t.Log(c)
}
