package rewrite

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
)

// Rewritten says which rules of a cluster were rewritten, and into what: by the digest of each stale rule at its place, the digest
// of the rule that replaced it. It holds no rule, so it is small, and it needs no snapshot.
type Rewritten map[string]string

// maxRewritten bounds how many rules a Rewritten holds, and so its size. Rules beyond it are not held.
const maxRewritten = 512

// RewrittenRules returns the rules that differ between policies before and after edits: those of leaves, and behind them those of Relax.
func RewrittenRules(before []Policy, edits []Edit, after []Policy) Rewritten {
	rewritten, removed := Rewritten{}, removedBy(edits)
	for i := range before {
		was, is := moved(terms(&before[i]), removed), terms(&after[i])
		for k := range was {
			stale, now := digestOf(before[i].Place, was[k]), digestOf(after[i].Place, is[k])
			if stale != now && len(rewritten) < maxRewritten {
				rewritten[stale] = now
			}
		}
	}
	return rewritten
}

// And returns both. Where the two differ, the later one counts.
func (r Rewritten) And(later Rewritten) Rewritten {
	both := Rewritten{}
	for _, from := range []Rewritten{later, r} {
		for stale, now := range from {
			if _, known := both[stale]; !known && len(both) < maxRewritten {
				both[stale] = now
			}
		}
	}
	return both
}

// digestOf identifies a rule at a place. Rules that mean the same have the same digest.
func digestOf(place string, t term) string {
	sum := sha256.Sum256(canonical(nil).str(place).term(t))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// Hold returns the edits of the new policies of a cluster that keep its rewritten rules, and how many rules they keep. It replaces a stale
// rule only where the old policies have its rewritten form instead: somebody applied a manifest that is older than the rewrite. A rule
// that old policies still carry, and one that stands beside its rewritten form, is left alone. Hold never makes a rule that the old
// policies do not have at the same place.
func Hold(old, updated []Policy, rewritten Rewritten) (held []Edit, rules int) {
	if len(rewritten) == 0 {
		return nil, 0
	}
	before, after := countRules(old), countRules(updated)
	for i := range updated {
		var k keeper
		for _, t := range terms(&updated[i]) {
			stale := digestOf(updated[i].Place, t)
			now, known := rewritten[stale]
			if !known || after.count(stale) <= before.count(stale) || before.count(now) <= after.count(now) {
				continue
			}
			if k.keep(t, before.take(now, relative(t.path, updated[i].Path))) {
				after.replaced(stale, now)
			}
		}
		kept, n := k.edits(&updated[i])
		held, rules = append(held, kept...), rules+n
	}
	return held, rules
}

// ruleCounts holds the rules of policies by their digest.
type ruleCounts map[string]*counted

type counted struct {
	n int
	// rules are in their order, and at holds their paths relative to their policies.
	rules []term
	at    []string
}

func countRules(policies []Policy) ruleCounts {
	counts := ruleCounts{}
	for i := range policies {
		for _, t := range terms(&policies[i]) {
			c := counts.of(digestOf(policies[i].Place, t))
			c.n++
			c.rules = append(c.rules, t)
			c.at = append(c.at, relative(t.path, policies[i].Path))
		}
	}
	return counts
}

func relative(path, to string) string { return strings.TrimPrefix(path, to) }

func (c ruleCounts) of(digest string) *counted {
	if c[digest] == nil {
		c[digest] = &counted{}
	}
	return c[digest]
}

func (c ruleCounts) count(digest string) int { return c.of(digest).n }

// replaced counts a rule as another one.
func (c ruleCounts) replaced(stale, now string) {
	c.of(stale).n--
	c.of(now).n++
}

// take returns a rule with that digest: the one at the same index where there is one, because equal rules can differ in order.
func (c ruleCounts) take(digest, at string) term {
	of := c.of(digest)
	return of.rules[max(slices.Index(of.at, at), 0)]
}
