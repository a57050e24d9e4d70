package rewrite

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
)

// The namespaces of the universe.
const (
	sourceNamespace = "default"
	otherNamespace  = "prod"
	thirdNamespace  = "tools"
)

// valuesOf are the values of generated selectors by key: the source's, those of other clusters, some with similar names, and
// values of keys without identity. None is the target's, because an older cluster of its name looks the same.
var valuesOf = map[string][]string{
	LabelInstance:      {"my1", "web1", "batch7", "my10", "my1-mysql"},
	LabelWorkload:      {"my1-mysql", "my1-proxy", "web1-mysql", "my1-ghost", "my10-mysql"},
	LabelPodName:       {"my1-mysql-0", "my1-proxy-0", "web1-mysql-0", "my1-mysql-mysql-0"},
	LabelClusterUID:    {"uid-my1", "uid-web1"},
	LabelComponentName: {"mysql", "proxy", "ghost"},
	"team":             {"blue", "red"},
}

var keys = []string{LabelInstance, LabelWorkload, LabelPodName, LabelClusterUID, LabelComponentName, "team"}

func genIdentities(t *rapid.T) (source Source, target Identity) {
	source = Source{
		Identity:   Identity{Namespace: sourceNamespace, Name: "my1", UID: "uid-my1"},
		Backup:     "default/bp1",
		Components: []Component{{Name: "mysql"}, {Name: "proxy"}},
		InTree:     InTreeOfKubeBlocks,
	}
	target = Identity{
		Namespace: rapid.SampledFrom([]string{sourceNamespace, otherNamespace}).Draw(t, "target namespace"),
		Name:      "carrot67",
		UID:       rapid.SampledFrom([]Identity{{UID: "uid-carrot67"}, {}}).Draw(t, "target UID").UID,
	}
	return source, target
}

func genRequirement(t *rapid.T) metav1.LabelSelectorRequirement {
	r := metav1.LabelSelectorRequirement{
		Key: rapid.SampledFrom(keys).Draw(t, "key"),
		Operator: rapid.SampledFrom([]metav1.LabelSelectorOperator{
			metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist,
		}).Draw(t, "operator"),
	}
	if r.Operator == metav1.LabelSelectorOpIn || r.Operator == metav1.LabelSelectorOpNotIn {
		r.Values = rapid.SliceOfN(rapid.SampledFrom(valuesOf[r.Key]), 1, 3).Draw(t, "values")
	}
	return r
}

func genSelector(t *rapid.T) *metav1.LabelSelector {
	if rapid.IntRange(0, 19).Draw(t, "nil selector") == 0 {
		return nil
	}
	s := &metav1.LabelSelector{}
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 0, 3, rapid.ID).Draw(t, "labels") {
		if s.MatchLabels == nil {
			s.MatchLabels = map[string]string{}
		}
		s.MatchLabels[key] = rapid.SampledFrom(valuesOf[key]).Draw(t, "value")
	}
	s.MatchExpressions = rapid.SliceOfN(rapid.Custom(genRequirement), 0, 2).Draw(t, "expressions")
	return s
}

func genNamespaceSelector(t *rapid.T) *metav1.LabelSelector {
	names := rapid.SliceOfN(rapid.SampledFrom([]string{sourceNamespace, otherNamespace, thirdNamespace}), 1, 2)
	switch rapid.IntRange(0, 5).Draw(t, "namespace selector") {
	case 0:
		return &metav1.LabelSelector{}
	case 1:
		return &metav1.LabelSelector{MatchLabels: map[string]string{LabelNamespace: names.Draw(t, "name")[0]}}
	case 2:
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
			Key:      LabelNamespace,
			Operator: rapid.SampledFrom([]metav1.LabelSelectorOperator{metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn}).Draw(t, "operator"),
			Values:   names.Draw(t, "names"),
		}}}
	default:
		return nil
	}
}

func genPodTerm(t *rapid.T) corev1.PodAffinityTerm {
	return corev1.PodAffinityTerm{
		TopologyKey:       rapid.SampledFrom([]string{corev1.LabelHostname, corev1.LabelTopologyZone}).Draw(t, "topology"),
		LabelSelector:     genSelector(t),
		Namespaces:        rapid.SliceOfN(rapid.SampledFrom([]string{sourceNamespace, otherNamespace, thirdNamespace}), 0, 2).Draw(t, "namespaces"),
		NamespaceSelector: genNamespaceSelector(t),
	}
}

func genWeighted(t *rapid.T) corev1.WeightedPodAffinityTerm {
	return corev1.WeightedPodAffinityTerm{Weight: int32(rapid.IntRange(1, 100).Draw(t, "weight")), PodAffinityTerm: genPodTerm(t)}
}

func genConstraint(t *rapid.T) corev1.TopologySpreadConstraint {
	return corev1.TopologySpreadConstraint{
		MaxSkew:           1,
		TopologyKey:       corev1.LabelTopologyZone,
		WhenUnsatisfiable: rapid.SampledFrom([]corev1.UnsatisfiableConstraintAction{corev1.DoNotSchedule, corev1.ScheduleAnyway}).Draw(t, "when"),
		LabelSelector:     genSelector(t),
	}
}

func genPolicy(t *rapid.T) Policy {
	required, preferred := rapid.SliceOfN(rapid.Custom(genPodTerm), 0, 2), rapid.SliceOfN(rapid.Custom(genWeighted), 0, 2)
	return Policy{
		Place:     "componentSpecs/mysql",
		Component: "mysql",
		Affinity: &corev1.Affinity{
			PodAffinity: &corev1.PodAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution:  required.Draw(t, "required affinity"),
				PreferredDuringSchedulingIgnoredDuringExecution: preferred.Draw(t, "preferred affinity"),
			},
			PodAntiAffinity: &corev1.PodAntiAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution:  required.Draw(t, "required anti-affinity"),
				PreferredDuringSchedulingIgnoredDuringExecution: preferred.Draw(t, "preferred anti-affinity"),
			},
		},
		// The API server rejects two with the same topology key and whenUnsatisfiable.
		TopologySpreadConstraints: rapid.SliceOfNDistinct(rapid.Custom(genConstraint), 0, 2, func(c corev1.TopologySpreadConstraint) string {
			return string(c.WhenUnsatisfiable)
		}).Draw(t, "spread"),
	}
}
