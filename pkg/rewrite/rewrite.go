package rewrite

// Edit is one leaf to change.
type Edit struct {
	// Path is the leaf's JSON Pointer in the object whose policies were given as live.
	Path string `json:"path"`
	// From and To are the old and the new value: a string, or a []string where a list loses a value.
	From any `json:"from"`
	To   any `json:"to"`
	// Component is the component the changed rule governs; empty for the cluster's own policy, which governs all.
	Component string `json:"-"`
}

// Class says what a rule was found to be.
type Class string

const (
	// SourceIdentity rules name the source and were inherited: they are rewritten.
	SourceIdentity Class = "SourceIdentity"
	// Intended rules name the source but do not come from its snapshot: somebody wrote them on purpose, they stay.
	Intended Class = "Intended"
)

// Finding is what Rewrite saw in one rule.
type Finding struct {
	// Path is the JSON Pointer of the rule.
	Path  string `json:"path"`
	Class Class  `json:"class"`
	// Rule names the rule, its place and, where it was inherited, the Backup in words.
	Rule string `json:"-"`
	// Message says what was found of the rule.
	Message string `json:"message"`
}

// Result is what must change, and what was seen. The order is that of the policies and of the rules in them.
type Result struct {
	Edits    []Edit
	Findings []Finding
}

// Rewrite compares the live policies with the snapshots of the sources and returns the edits that make every inherited
// rule that names a source name the target instead. Several sources can be Backups of one cluster: a rule is inherited
// when it stands at its place in any of their snapshots. A source that has the target's name changes nothing.
func Rewrite(sources []Source, target Identity, live []Policy) Result {
	var result Result
	for _, snapshots := range bySource(sources) {
		r := renamer{source: snapshots[0].Identity, target: target}
		inherited := newInheritance(r, snapshots)
		for _, policy := range live {
			r.rewritePolicy(&result, policy, inherited)
		}
	}
	return result
}

// bySource groups snapshots by the cluster they were taken of, in the order in which the clusters first appear.
func bySource(sources []Source) [][]Source {
	type name struct{ namespace, name string }
	groups := make([][]Source, 0, len(sources))
	index := map[name]int{}
	for _, source := range sources {
		n := name{source.Namespace, source.Name}
		if _, seen := index[n]; !seen {
			index[n] = len(groups)
			groups = append(groups, nil)
		}
		groups[index[n]] = append(groups[index[n]], source)
	}
	return groups
}

func (r renamer) rewritePolicy(result *Result, policy Policy, inherited inheritance) {
	for _, t := range terms(policy) {
		edits := r.selectorEdits(t.path+"/labelSelector", t.selector)
		if len(edits) == 0 {
			continue
		}
		rule := t.describe(r.source.Name) + " (" + placeInWords(policy.Place)
		backup, ok := inherited.backup(policy, t)
		if !ok {
			rule += ")"
			result.Findings = append(result.Findings, Finding{
				Path: t.path, Class: Intended, Rule: rule,
				Message: rule + " names the source, but is not in its snapshot: kept as meant",
			})
			continue
		}
		rule += ", from Backup " + backup + ")"
		for _, edit := range edits {
			edit.Component = policy.Component
			result.Edits = append(result.Edits, edit)
		}
		result.Findings = append(result.Findings, Finding{
			Path: t.path, Class: SourceIdentity, Rule: rule,
			Message: rule + " was inherited: it becomes " + r.target.Name,
		})
	}
}

// placeInWords names a place for people; the cluster's own policy has no name of its own.
func placeInWords(place string) string {
	if place == "" {
		return "cluster policy"
	}
	return place
}
