package rewrite

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// inTreeInstance overwrites the values of the instance label.
type inTreeInstance struct{}

func (inTreeInstance) Rewrite(s *metav1.LabelSelector, target string) *metav1.LabelSelector {
	rewritten := s.DeepCopy()
	rewritten.MatchExpressions[0].Values = []string{target}
	return rewritten
}

func spreadRules(instances, workload string) []corev1.TopologySpreadConstraint {
	return []corev1.TopologySpreadConstraint{{MaxSkew: 1, TopologyKey: "zone", WhenUnsatisfiable: corev1.ScheduleAnyway,
		LabelSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: LabelInstance, Operator: metav1.LabelSelectorOpNotIn, Values: []string{instances}},
			{Key: LabelWorkload, Operator: metav1.LabelSelectorOpIn, Values: []string{workload}},
		}}}}
}

// A rule that KubeBlocks overwrote in part would hang a restore, too, so it is rewritten. What it was stays in the other Namespace.
func TestWhatWasOverwrittenInAPrivateSnapshotIsNeitherShownNorPutBack(t *testing.T) {
	g := NewWithT(t)
	source := Source{
		Identity: Identity{Namespace: "elsewhere", Name: "my1"}, Components: []Component{{Name: "mysql"}},
		Policies: []Policy{{Place: "componentSpecs/mysql", TopologySpreadConstraints: spreadRules("hidden", "my1-mysql")}},
		InTree:   inTreeInstance{}, Private: true,
	}
	live := []Policy{{Path: "/spec/x", Place: "componentSpecs/mysql", TopologySpreadConstraints: spreadRules("carrot67", "my1-mysql")}}
	r := Prepare([]Source{source}, Identity{Namespace: "default", Name: "carrot67"}, Options{RestoreThirdParty: true})

	result := r.Rewrite(live)

	g.Expect(result.Edits).To(HaveLen(1))
	g.Expect(result.Edits[0]).To(And(HaveField("From", "my1-mysql"), HaveField("To", "carrot67-mysql")))
	g.Expect(result.Findings).To(ContainElement(HaveField("Class", ThirdParty)))
	for _, finding := range append(result.Findings, r.Rewrite(r.Held(live)).Findings...) {
		g.Expect(finding.Message).NotTo(ContainSubstring("hidden"))
	}
	g.Expect(r.Rewrite(r.Held(live)).Of(SourceIdentity)).To(HaveLen(1), "it is reported as inherited")
}
