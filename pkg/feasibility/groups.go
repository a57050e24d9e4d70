package feasibility

// Groups numbers the policies that Decide judges together: a rule of one, stale or rewritten, selects Pods of another, directly or through
// more. Policies whose group has no tied volume are left out, because nothing is refused there. If that exceeds the budget, all are in one.
func Groups(w World, b *Budget) map[string]int {
	tied := tied(&w)
	if tied.empty() {
		return nil
	}
	g := newPolicyGroups(&w)
	if !g.join(&w, b) {
		for i := range g.parents {
			g.parents[i] = 0
		}
	}
	judged := map[int]bool{}
	for pod := range tied.all() {
		judged[g.find(g.policies[pod])] = true
	}
	numbers := map[string]int{}
	for i := range w.Pods {
		if group := g.find(g.policies[i]); judged[group] {
			numbers[w.Pods[i].Policy] = group
		}
	}
	return numbers
}

// policyGroups are disjoint sets of policies.
type policyGroups struct {
	// policies are those of the Pods, as numbers.
	policies []int
	// parents lead from a policy to the one that stands for its group.
	parents []int
}

func newPolicyGroups(w *World) *policyGroups {
	g := &policyGroups{}
	numbers := map[string]int{}
	for i := range w.Pods {
		number, ok := numbers[w.Pods[i].Policy]
		if !ok {
			number = len(numbers)
			numbers[w.Pods[i].Policy] = number
			g.parents = append(g.parents, number)
		}
		g.policies = append(g.policies, number)
	}
	return g
}

// join puts the policies together that rules tie to one another. It returns false if that would cost too much.
func (g *policyGroups) join(w *World, b *Budget) bool {
	if len(g.parents) < 2 {
		return true
	}
	if b.spent() {
		return false
	}
	for _, t := range terms(w, b) {
		if b.spent() {
			return false
		}
		own := g.find(g.policies[t.pod])
		for pod := range t.took.or(t.takes).all() {
			b.spend(1)
			g.parents[g.find(g.policies[pod])] = own
		}
	}
	return !b.spent()
}

func (g *policyGroups) find(policy int) int {
	for g.parents[policy] != policy {
		g.parents[policy] = g.parents[g.parents[policy]]
		policy = g.parents[policy]
	}
	return policy
}
