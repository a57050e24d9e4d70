package conformance

import (
	"testing"

	"pgregory.net/rapid"
)

// Where the laws cannot be satisfied there is no edit, there is a finding.
func TestRuleWithoutALawfulRewriteIsKeptAndReported(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// A target with the source's name is left out: such a rule names it already, and there is nothing to edit or to keep.
		r := restores.Filter(func(r restore) bool { return !r.keepsName() }).Draw(t, "restore")
		a := author{restore: r, hopeless: true}
		var p policy
		p.add(a.rule(t))

		result := p.rewriteFor(r.asKnown())

		if len(result.Edits) > 0 || len(result.Findings) == 0 {
			t.Logf("restored as %+v\n%s", r.asKnown(), document(member{component: "mysql"}.pod(source, p)))
			t.Fatalf("edits: %v, findings: %v", result.Edits, result.Findings)
		}
	})
}
