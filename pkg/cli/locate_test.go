package cli

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// An equal rule stands in several places: the one that governs the Pod counts.
func TestARuleIsLocatedWhereItGovernsThePod(t *testing.T) {
	terms := []corev1.PodAffinityTerm{{TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{}}}
	affinity := &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}}
	policy := func(path, component, template string) rewrite.Policy {
		return rewrite.Policy{Path: path, Component: component, Template: template, Affinity: affinity}
	}
	all := []rewrite.Policy{
		policy("/cluster", "", ""), policy("/mysql", "mysql", ""), policy("/proxy", "proxy", ""), policy("/proxy/big", "proxy", "big"),
	}
	for name, c := range map[string]struct {
		policies            []rewrite.Policy
		component, template string
		path                string
	}{
		"of the first component":    {all, "mysql", "", "/mysql"},
		"of another component":      {all, "proxy", "", "/proxy"},
		"of an instance template":   {all, "proxy", "big", "/proxy/big"},
		"of a template without one": {all[:3], "proxy", "big", "/proxy"},
		"of the Cluster":            {all, "config", "", "/cluster"},
		"only of other components":  {all[1:], "config", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			rule := placement.Rule{Kind: placement.AntiAffinity, Term: &terms[0]}
			want := ""
			if c.path != "" {
				want = c.path + "/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0"
			}
			source := &origin{sources: []rewrite.Source{{Backup: "default/bp1", Policies: c.policies}}}
			backup := ""
			if want != "" {
				backup = "default/bp1"
			}
			g.Expect(locator{source, c.component, c.template}.locate(rule)).To(Equal(placement.Location{Path: want, Backup: backup}))
			cluster := &origin{policies: c.policies}
			g.Expect(locator{cluster, c.component, c.template}.locate(rule)).To(Equal(placement.Location{Path: want}))
		})
	}
}
