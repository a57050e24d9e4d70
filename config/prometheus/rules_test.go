// Package prometheus tests the runbooks and tests of the alerts. promtool tests when they fire: see `make test-alerts`.
package prometheus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

// runbookBase is the URL of docs/runbooks.
const runbookBase = "https://github.com/rehome-operator/rehome/blob/main/docs/runbooks/"

// alert is a rule. Alert is empty for a recording rule.
type alert struct {
	Alert       string            `json:"alert"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

func alerts(g Gomega) []alert {
	content, err := os.ReadFile("rules.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	var file struct {
		Groups []struct {
			Rules []alert `json:"rules"`
		} `json:"groups"`
	}
	g.Expect(yaml.Unmarshal(content, &file)).To(Succeed())
	var found []alert
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if rule.Alert != "" {
				found = append(found, rule)
			}
		}
	}
	g.Expect(found).NotTo(BeEmpty())
	return found
}

// names returns the names of the alerts, each once.
func names(alerts []alert) []string {
	seen := map[string]bool{}
	var list []string
	for _, a := range alerts {
		if !seen[a.Alert] {
			list = append(list, a.Alert)
		}
		seen[a.Alert] = true
	}
	return list
}

// files returns the names of the files that match a pattern, without their extension.
func files(g Gomega, pattern string) []string {
	paths, err := filepath.Glob(pattern)
	g.Expect(err).NotTo(HaveOccurred())
	list := make([]string, 0, len(paths))
	for _, path := range paths {
		list = append(list, strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))
	}
	return list
}

func TestEveryAlertHasARunbookAndATest(t *testing.T) {
	g := NewWithT(t)
	named := names(alerts(g))
	g.Expect(files(g, "../../docs/runbooks/*.md")).To(ConsistOf(named))
	g.Expect(files(g, "tests/*.yaml")).To(ConsistOf(named))
}

func TestEveryAlertHasASeverityAndLinksToItsRunbook(t *testing.T) {
	g := NewWithT(t)
	for _, a := range alerts(g) {
		t.Run(a.Alert+" "+a.Labels["severity"], func(t *testing.T) {
			g := NewWithT(t)
			g.Expect(a.Labels).To(Equal(map[string]string{"severity": a.Labels["severity"]}))
			g.Expect(a.Labels["severity"]).To(BeElementOf("critical", "warning"))
			g.Expect(a.Annotations).To(HaveLen(3))
			g.Expect(a.Annotations).To(HaveKeyWithValue("summary", Not(BeEmpty())))
			g.Expect(a.Annotations).To(HaveKeyWithValue("description", Not(BeEmpty())))
			g.Expect(a.Annotations).To(HaveKeyWithValue("runbook_url", runbookBase+a.Alert+".md"))
			page, err := os.ReadFile("../../docs/runbooks/" + a.Alert + ".md")
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(page)).To(HavePrefix("# " + a.Alert + "\n"))
			g.Expect(string(page)).To(ContainSubstring("**"+a.Labels["severity"]+"**"), "the page shows the severity")
		})
	}
}
