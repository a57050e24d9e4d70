package remedy

import (
	"strings"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// mostRules bounds how many rules or Pods a message lists; it is for reading, and the API server limits its length.
const mostRules = 5

// inherited is what the list of rules in a message begins with.
const inherited = "Inherited: "

// withoutRules returns a message without its list of rules.
func withoutRules(message string) string {
	text, _, _ := strings.Cut(message, " "+inherited)
	return text
}

// rules lists the inherited rules, and those that name the source but were not inherited.
func (o Observation) rules() string {
	text := inherited + list(o.Inherited) + "."
	if intended := o.Live.Of(rewrite.Intended); len(intended) > 0 {
		text += " Kept, because the snapshot does not hold it: " + list(intended) + "."
	}
	return text
}

func list(findings []rewrite.Finding) string {
	rules := make([]string, 0, len(findings))
	for _, finding := range findings {
		rules = append(rules, finding.Rule)
	}
	return strings.TrimSuffix(few(rules), ".")
}
