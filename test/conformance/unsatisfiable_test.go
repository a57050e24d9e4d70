package conformance

import (
	"testing"

	"pgregory.net/rapid"
)

func TestUnsatisfiableRuleIsKeptAndReported(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// A rule of a target with the source's name already names the target: there is nothing to edit or to report.
		r := restores.Filter(func(r restore) bool { return !r.keepsName() }).Draw(t, "restore")
		g := policyGenerator{restore: r, unsatisfiable: true}
		var p policy
		p.add(g.rule(t))

		result := p.rewriteFor(r.knownTarget())

		if len(result.Edits) > 0 || len(result.Findings) == 0 {
			t.Logf("restored as %+v\n%s", r.knownTarget(), toYAML(member{component: "mysql"}.pod(source, p)))
			t.Fatalf("edits: %v, findings: %v", result.Edits, result.Findings)
		}
	})
}
