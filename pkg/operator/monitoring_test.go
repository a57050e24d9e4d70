package operator

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

// askedFor returns the expressions of the alerts and of the dashboard.
func askedFor() []string {
	GinkgoHelper()
	var rules, dashboard any
	content, err := os.ReadFile("../../config/prometheus/rules.yaml")
	Expect(err).NotTo(HaveOccurred())
	Expect(yaml.Unmarshal(content, &rules)).To(Succeed())
	content, err = os.ReadFile("../../config/grafana/rehome.json")
	Expect(err).NotTo(HaveOccurred())
	Expect(json.Unmarshal(content, &dashboard)).To(Succeed())
	return append(expressions(rules), expressions(dashboard)...)
}

// expressions returns all fields called expr.
func expressions(of any) []string {
	var found []string
	switch value := of.(type) {
	case []any:
		for _, item := range value {
			found = append(found, expressions(item)...)
		}
	case map[string]any:
		for key, item := range value {
			if text, ok := item.(string); ok && key == "expr" {
				found = append(found, text)
			}
			found = append(found, expressions(item)...)
		}
	}
	return found
}

var (
	// notNames matches what of an expression holds names of labels, values and durations.
	notNames  = regexp.MustCompile(`\{[^}]*\}|\[[^]]*\]|\b(by|on|ignoring) \([^)]*\)`)
	word      = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*\b *\(?`)
	operators = []string{"and", "or", "unless"}
)

// metricsIn returns the names of the metrics in an expression. Those with a colon are recorded by a rule.
func metricsIn(expression string) []string {
	var names []string
	for _, match := range word.FindAllString(notNames.ReplaceAllString(expression, " "), -1) {
		name := strings.TrimSpace(match)
		if isFunction := strings.HasSuffix(name, "("); isFunction || slices.Contains(operators, name) || strings.Contains(name, ":") ||
			strings.HasPrefix(name, "apiserver_") { // of the API server
			continue
		}
		names = append(names, name)
	}
	return names
}

// offered returns the names of the metrics that a scrape has, and those of the documentation, which is compared with the code:
// some are there only while there is something to say.
func offered(scraped string) map[string]bool {
	GinkgoHelper()
	page, err := os.ReadFile("../../docs/metrics.md")
	Expect(err).NotTo(HaveOccurred())
	names := map[string]bool{}
	for _, pattern := range []*regexp.Regexp{
		regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`), regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([a-z]+) \\|"),
	} {
		for _, match := range pattern.FindAllStringSubmatch(scraped+"\n"+string(page), -1) {
			names[match[1]] = true
			if match[2] == "histogram" {
				names[match[1]+"_bucket"] = true
			}
		}
	}
	return names
}
