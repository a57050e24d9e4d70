package remedy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// refusals maps the scheduler's words to the part of a path where the refusing rules of a Pod are.
var refusals = []struct{ words, path string }{
	{"didn't match pod affinity rules", "/podAffinity/required"},
	{"didn't match pod anti-affinity rules", "/podAntiAffinity/required"},
	{"didn't match pod topology spread constraints", "/topologySpreadConstraints/"},
}

// existingPods are the scheduler's words for a rule of a Pod that runs.
const existingPods = "didn't satisfy existing pods anti-affinity rules"

// kept are the Cluster's rules that Rehome does not rewrite although they name, or select, others. There can be thousands of them, and as many
// Restores, so each text about them is made once.
type kept struct {
	rules []rewrite.Finding
	texts map[string]string
}

// newKept leaves out rules that have an edit.
func newKept(live rewrite.Result) kept {
	edited := map[string]bool{}
	for i := range live.Edits {
		for path := range withParents(live.Edits[i].Path) {
			edited[path] = true
		}
	}
	k := kept{texts: map[string]string{}}
	for i := range live.Findings {
		if f := live.Findings[i]; helpFor(f.Class, "") != "" && !edited[f.Path] {
			k.rules = append(k.rules, f)
		}
	}
	return k
}

// at describes the rules at parts of paths.
func (k *kept) at(paths []string, describe func(rewrite.Finding) string) []string {
	var rules []string
	for _, path := range paths {
		for _, f := range k.rules {
			if strings.Contains(f.Path, path) {
				rules = append(rules, describe(f))
			}
		}
	}
	return rules
}

// keptRules names the rules that Rehome keeps and that can leave Pods no node, whose they are, and what would help; it is empty
// where there are none.
func (d *decision) keptRules(pending []Pod) string {
	refused := func(words string) bool {
		return slices.ContainsFunc(pending, func(p Pod) bool { return strings.Contains(p.Unschedulable, words) })
	}
	var paths []string
	for _, refusal := range refusals {
		if refused(refusal.words) {
			paths = append(paths, refusal.path)
		}
	}
	existing := refused(existingPods)
	key := fmt.Sprint(paths, existing)
	text, known := d.kept.texts[key]
	if !known {
		text = d.ownRulesAt(paths)
		if existing {
			text += d.rulesOfRunningPods()
		}
		d.kept.texts[key] = text
	}
	return text
}

// ownRulesAt names the kept rules of the Cluster's own Pods.
func (d *decision) ownRulesAt(paths []string) string {
	own := d.kept.at(paths, func(f rewrite.Finding) string { return f.Rule + ": " + d.help(f.Class) })
	if len(own) == 0 {
		return ""
	}
	return fmt.Sprintf(keptOwnRules, d.Cluster.Name, summarize(own))
}

// rulesOfRunningPods names the rules that Pods of the source can have.
func (d *decision) rulesOfRunningPods() string {
	source := cmp.Or(d.Source, "the source")
	theirs := d.kept.at([]string{"/podAntiAffinity/required"}, func(f rewrite.Finding) string { return f.Rule })
	if len(theirs) == 0 {
		return fmt.Sprintf(keptRunningPods, source)
	}
	return fmt.Sprintf(keptSourceRules, source, summarize(theirs))
}

// help says what makes a rule of a class let Pods of the Cluster pass.
func (d *decision) help(class rewrite.Class) string {
	text := helpFor(class, d.Cluster.Name)
	if class == rewrite.ThirdParty && d.Origin != "" {
		text += fmt.Sprintf(helpOrigin, d.Source, d.Origin)
	}
	return text
}
