package feasibility

// Groups numbers the policies that Decide judges together: a rule of one, stale or rewritten, selects Pods of another, directly or through
// more. Policies whose group has no tied volume are left out, because nothing is refused there. If that exceeds the budget, all policies are in
// one.
func Groups(w World, b *Budget) map[string]int {
	tied := tied(&w)
	if tied.empty() {
		return nil
	}
	joined := joinedPolicies(&w, b)
	judged := map[int]bool{}
	for pod := range tied.all() {
		judged[joined.root(pod)] = true
	}
	numbers := map[string]int{}
	for i := range w.Pods {
		policy, root := w.Pods[i].Policy, joined.root(i)
		switch {
		case b.spent():
			numbers[policy] = 0
		case judged[root]:
			numbers[policy] = root
		}
	}
	return numbers
}

// joinedPolicies joins Pods with those that their rules select, and with the others of their policy. It is incomplete once the budget is
// spent.
func joinedPolicies(w *World, b *Budget) forest {
	var all []term
	if !b.spent() {
		all = terms(w, b)
	}
	joined := joined(len(w.Pods), all, b)
	first := map[string]int{}
	for i := range w.Pods {
		policy := w.Pods[i].Policy
		if pod, known := first[policy]; known {
			joined.join(pod, i)
		} else if policy != "" { // Pods without rules have nothing in common.
			first[policy] = i
		}
	}
	return joined
}
