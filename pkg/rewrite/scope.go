package rewrite

// scope is what the snapshots hold at one place or for one component.
type scope struct {
	r *renamer
	// origins are in the order in which they stand, source by source.
	origins []origin
	// listed, exact and changed are made when they are first asked for: for a cluster that nobody has touched, never.
	listed         []match
	exact, changed index
}

// index finds rules by their canonical form. Several can look alike.
type index map[string][]match

func (i index) enter(m match, rule string) { i[rule] = append(i[rule], m) }

// untouched matches the rules that a live policy begins with for as long as they stand where they stand here, as they stand
// here, and returns how many those are. Each is the first of its like that those before it leave over, just as if it were
// looked up.
func (s *scope) untouched(live []term, found []match) int {
	n := 0
	for _, o := range s.origins {
		for t := range eachRule(o.policy) {
			if n == len(live) || !sameRule(&live[n], &t) {
				return n
			}
			// The live rule stands for its like, which is not listed.
			found[n] = match{term: &live[n], origin: o}
			n++
		}
	}
	return n
}

// rules returns the rules of the origins.
func (s *scope) rules() []match {
	if s.listed == nil {
		for _, o := range s.origins {
			for t := range eachRule(o.policy) {
				s.listed = append(s.listed, match{term: &t, origin: o})
			}
		}
	}
	return s.listed
}

// exactly returns the rules as they stand in the snapshots.
func (s *scope) exactly() index {
	if s.exact == nil {
		s.exact = make(index, len(s.rules()))
		for _, m := range s.rules() {
			s.exact.enter(m, canonicalOf(*m.term))
		}
	}
	return s.exact
}

// afterwards returns the rules as they look after a rewrite: by this package, without and with consent to scope, and by
// KubeBlocks' own. Where the two agree, KubeBlocks' rewrite lost nothing.
func (s *scope) afterwards() index {
	if s.changed == nil {
		s.changed = make(index, 2*len(s.rules()))
		for _, m := range s.rules() {
			s.enterChanged(m)
		}
	}
	return s.changed
}

func (s *scope) enterChanged(m match) {
	entered := s.enterRewritten(m)
	t := *m.term
	var ok bool
	if t.selector, ok = s.r.inTree(m.selector); !ok {
		return
	}
	if rule := canonicalOf(t); !entered[rule] {
		m.inTree = true
		s.changed.enter(m, rule)
	}
}

func (s *scope) enterRewritten(m match) map[string]bool {
	entered := map[string]bool{}
	for _, scoped := range []bool{false, true} {
		t, ok := s.r.retarget(*m.term, scoped)
		if rule := canonicalOf(t); ok && !entered[rule] {
			entered[rule] = true
			s.changed.enter(m, rule)
		}
	}
	return entered
}
