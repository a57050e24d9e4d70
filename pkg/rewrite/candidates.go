package rewrite

// candidates are the rules that the snapshots hold at one place or for one component.
type candidates struct {
	r *renamer
	// origins are in their order, source by source.
	origins []origin
	// listed, exact and changed are built on first use. A cluster without changed rules needs none of them.
	listed         []match
	exact, changed index
}

// index finds rules by their canonical form. Several can be equal.
type index map[string][]match

func (i index) add(m match, rule string) { i[rule] = append(i[rule], m) }

// untouched matches the leading rules of a live policy for as long as each equals the snapshot's rule at its index. It
// returns their number. A lookup would match them alike.
func (c *candidates) untouched(live []term, found []match) int {
	n := 0
	for _, o := range c.origins {
		for t := range eachRule(o.policy) {
			if n == len(live) || !sameRule(&live[n], &t) {
				return n
			}
			// The live rule equals the snapshot's, which is not listed.
			found[n] = match{term: &live[n], origin: o}
			n++
		}
	}
	return n
}

// rules returns the rules of the origins.
func (c *candidates) rules() []match {
	if c.listed == nil {
		for _, o := range c.origins {
			for t := range eachRule(o.policy) {
				c.listed = append(c.listed, match{term: &t, origin: o})
			}
		}
	}
	return c.listed
}

// verbatim returns the rules as they stand in the snapshots.
func (c *candidates) verbatim() index {
	if c.exact == nil {
		c.exact = make(index, len(c.rules()))
		for _, m := range c.rules() {
			c.exact.add(m, canonicalOf(*m.term))
		}
	}
	return c.exact
}

// rewritten returns the rules as they look after a rewrite: by this package, without and with consent to scope, and by
// KubeBlocks' own. Where the two agree, KubeBlocks overwrote nothing that this package keeps.
func (c *candidates) rewritten() index {
	if c.changed == nil {
		c.changed = make(index, 2*len(c.rules()))
		for _, m := range c.rules() {
			c.addRewritten(m)
		}
	}
	return c.changed
}

func (c *candidates) addRewritten(m match) {
	added := map[string]bool{}
	for _, scoped := range []bool{false, true} {
		t, ok := c.r.retarget(*m.term, scoped)
		if rule := canonicalOf(t); ok && !added[rule] {
			added[rule] = true
			c.changed.add(m, rule)
		}
	}
	if m.overwritten = c.r.overwrite(m); m.overwritten == nil {
		return
	}
	t := *m.term
	t.selector = m.overwritten
	if rule := canonicalOf(t); !added[rule] {
		c.changed.add(m, rule)
	}
}
