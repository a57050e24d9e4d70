package rewrite

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestHeldLeavesOutWhatTheLivePolicyDoesNotHave(t *testing.T) {
	g := NewWithT(t)
	rule := func(key, value string) corev1.TopologySpreadConstraint {
		return corev1.TopologySpreadConstraint{MaxSkew: 1, TopologyKey: "zone", WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}}
	}
	source := Source{Identity: Identity{Namespace: "elsewhere", Name: "my1"}, Policies: []Policy{
		{Place: "componentSpecs/mysql", NodeName: "secret", NodeSelector: map[string]string{corev1.LabelHostname: "secret"},
			TopologySpreadConstraints: []corev1.TopologySpreadConstraint{rule(LabelInstance, "my1"), rule("team", "secret"), rule(LabelInstance, "my2")}},
		{Place: "componentSpecs/secret", TopologySpreadConstraints: []corev1.TopologySpreadConstraint{rule(LabelInstance, "my1")}},
	}}
	live := []Policy{{Path: "/spec/x", Place: "componentSpecs/mysql", TopologySpreadConstraints: []corev1.TopologySpreadConstraint{
		rule(LabelInstance, "carrot67"), rule(LabelInstance, "my2"),
	}}}
	r := Prepare([]Source{source}, Identity{Namespace: "default", Name: "carrot67"}, Options{})

	held := r.Held(live)

	g.Expect(held).To(HaveLen(1))
	g.Expect(held[0]).To(Equal(Policy{Path: "/spec/x", Place: "componentSpecs/mysql",
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{rule(LabelInstance, "my1"), rule(LabelInstance, "my2")}}))
}
